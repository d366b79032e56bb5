//! The rules of a campaign, and what they must say: written twice, once as configuration, once as plain code.

/// What an application is made of, as far as these rules care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Traits {
    /// Its reason holds 赌博.
    pub(crate) gambling: bool,
    /// Its reason holds 合作.
    pub(crate) partner: bool,
    /// Its category is 物流服务; `None` = it has no category.
    pub(crate) trade: Option<bool>,
    /// Some field is of a wrong kind, in every reading.
    pub(crate) malformed: bool,
}

/// What is to become of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verdict {
    Agree,
    Refuse,
    Hold,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Agree => "agree",
            Verdict::Refuse => "refuse",
            Verdict::Hold => "hold",
        }
    }
}

/// How many sets of rules there are.
pub(crate) const VARIANTS: usize = 4;

/// The name that tells the set in the log.
pub(crate) fn marker(variant: usize) -> String {
    format!("variant {variant}")
}

/// The rules as configuration.
pub(crate) fn text(variant: usize) -> String {
    let gambling = "[[rule]]\nname = \"gambling words\"\naction = \"refuse\"\nmessage = \"申请说明含有「{keyword}」。\"\n\
                    when = { reason = { any = [\"赌博\"] } }\n";
    let ask = "[[rule]]\nname = \"ask a person\"\naction = \"hold\"\nwhen = { reason = { any = [\"合作\"] } }\n";
    let trades =
        "[[rule]]\nname = \"known trades\"\naction = \"agree\"\nwhen = { category = { all = [\"物流服务\"] } }\n";
    let no_partner = "[[rule]]\nname = \"no partners\"\naction = \"refuse\"\nmessage = \"暂不合作。\"\n\
                      when = { reason = { any = [\"合作\"] } }\n";
    let ask_gambler =
        "[[rule]]\nname = \"ask about gambling\"\naction = \"hold\"\nwhen = { reason = { any = [\"赌博\"] } }\n";
    let (policy, rules) = match variant {
        0 => ("", [gambling, ask, trades].concat()),
        1 => ("", [gambling, no_partner, trades].concat()),
        2 => ("", [ask_gambler, trades].concat()),
        _ => ("[policy]\ndefault = \"refuse\"\nmessage = \"暂不接受。\"\n", [gambling, ask, trades].concat()),
    };
    let marker = marker(variant);
    let marker =
        format!("[[rule]]\nname = \"{marker}\"\naction = \"hold\"\nmode = \"shadow\"\nwhen = {{ always = true }}\n");
    format!("{policy}{marker}{rules}")
}

/// What the rules must say.
pub(crate) fn verdict(variant: usize, of: Traits) -> Verdict {
    if of.malformed {
        return Verdict::Hold;
    }
    let agreed = of.trade == Some(true);
    let otherwise = if variant < 3 || of.trade.is_none() { Verdict::Hold } else { Verdict::Refuse };
    let by_trade = if agreed { Verdict::Agree } else { otherwise };
    match (variant, of.gambling, of.partner) {
        (2, true, _) => Verdict::Hold,
        (2, false, _) => by_trade,
        (_, true, _) => Verdict::Refuse,
        (1, false, true) => Verdict::Refuse,
        (_, false, true) => Verdict::Hold,
        (_, false, false) => by_trade,
    }
}
