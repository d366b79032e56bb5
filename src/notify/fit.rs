//! Making a message fit: whole blocks as long as there is room, then how many there are more.

/// Title, blocks and a last line in at most `budget` bytes of UTF-8. `more` words how many blocks were left out.
///
/// A first block that is too long by itself is cut at a character.
pub(super) fn fit(title: &str, blocks: &[String], last: &str, budget: usize, more: &dyn Fn(usize) -> String) -> String {
    let mut text = cut(title, budget).to_owned();
    let tail = |left: usize| match (left, last) {
        (0, "") => String::new(),
        (0, last) => format!("\n\n{last}"),
        (left, "") => format!("\n\n{}", more(left)),
        (left, last) => format!("\n\n{}\n{last}", more(left)),
    };
    // The longest tail there may be: whatever is left out, it has room.
    let room = budget.saturating_sub(tail(blocks.len()).len());
    let mut shown = 0;
    for block in blocks {
        let room = if shown + 1 == blocks.len() { budget.saturating_sub(tail(0).len()) } else { room };
        if text.len() + 2 + block.len() > room {
            break;
        }
        text.push_str("\n\n");
        text.push_str(block);
        shown += 1;
    }
    if shown == 0
        && let Some(block) = blocks.first()
        && text.len() + 2 + '…'.len_utf8() < room
    {
        text.push_str("\n\n");
        text.push_str(cut(block, room - text.len() - '…'.len_utf8()));
        text.push('…');
        shown = 1;
    }
    let tail = tail(blocks.len() - shown);
    text.truncate(cut(&text, budget.saturating_sub(tail.len())).len());
    text.push_str(cut(&tail, budget - text.len()));
    text
}

/// The beginning of a text, at most so many bytes, ending at a character.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(blocks: &[&str], budget: usize, expected: &str) {
        let blocks: Vec<String> = blocks.iter().map(|block| (*block).to_owned()).collect();
        let text = fit("题", &blocks, "end", budget, &|left| format!("+{left}"));
        assert_eq!(text, expected, "{blocks:?} in {budget}");
        assert!(text.len() <= budget);
    }

    #[test]
    fn whole_blocks_then_how_many_more() {
        check(&[], 100, "题\n\nend");
        check(&["一", "二"], 18, "题\n\n一\n\n二\n\nend");
        check(&["一", "二"], 17, "题\n\n一\n\n+1\nend");
        check(&["一", "二", "三", "四"], 23, "题\n\n一\n\n二\n\n+2\nend");
        check(&["一二三四五六七", "二"], 23, "题\n\n一二…\n\n+1\nend");
        check(&["一二三四五六七"], 23, "题\n\n一二…\n\nend");
    }

    #[test]
    fn any_budget_is_kept() {
        let blocks: Vec<String> = (1..20).map(|n| "号".repeat(n)).collect();
        for budget in 0..600 {
            let text = fit("题目", &blocks, "完", budget, &|left| format!("还有 {left} 个"));
            assert!(text.len() <= budget, "{budget}: {text}");
        }
    }
}
