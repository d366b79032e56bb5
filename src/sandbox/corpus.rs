//! The words the generator puts together. Harmless on purpose: spam is recognisable, not attractive.
//!
//! Category names are from public copies of WeChat's list of service categories
//! (<https://developers.weixin.qq.com/miniprogram/product/material/>), current names and, with their older ones,
//! the legacy set.

/// A line of business: its categories, what a firm of it is called, and what it says it needs.
pub(super) struct Trade {
    pub(super) categories: &'static [(&'static str, &'static str)],
    pub(super) names: &'static [&'static str],
    pub(super) needs: &'static [&'static str],
}

pub(super) const TRADES: &[Trade] = &[
    Trade {
        categories: &[("物流服务", "查件"), ("物流服务", "收件/派件"), ("物流服务", "快递柜")],
        names: &["快递", "速运", "物流", "快运", "驿站"],
        needs: &["查询快件轨迹", "在线寄件下单", "查看物流进度", "快递柜取件通知"],
    },
    Trade {
        categories: &[("物流服务", "货物运输"), ("物流服务", "仓储管理"), ("物流服务", "装卸搬运")],
        names: &["货运", "仓储", "供应链", "搬家"],
        needs: &["跟踪货物位置", "管理仓库出入库", "对接承运商运单"],
    },
    Trade {
        categories: &[("商家自营", "服装/鞋/箱包"), ("商家自营", "百货商场/购物中心"), ("商家自营", "食品饮料")],
        names: &["服饰", "百货", "生活馆", "食品", "优选"],
        needs: &["给顾客查询订单物流", "展示商品配送状态", "售后退货寄件", "会员查看包裹"],
    },
    Trade {
        categories: &[
            ("餐饮服务", "点餐平台"),
            ("餐饮服务", "餐饮服务场所/餐饮服务管理企业"),
            ("餐饮服务", "外卖平台"),
        ],
        names: &["餐饮", "小馆", "茶饮", "面馆", "烘焙"],
        needs: &["外卖配送跟踪", "食材到货提醒", "门店自提核销"],
    },
    Trade {
        categories: &[("教育服务", "教育平台"), ("教育服务", "在线视频课程"), ("教育服务", "素质教育")],
        names: &["教育", "学堂", "书院", "少儿编程"],
        needs: &["给学员寄送教材并查件", "课程资料配送", "学员证书邮寄"],
    },
    Trade {
        categories: &[("医疗服务", "就医服务"), ("医疗服务", "药品信息展示"), ("医疗服务", "互联网医院")],
        names: &["医院", "诊所", "大药房", "健康"],
        needs: &["患者查询药品配送", "病历资料邮寄", "检验报告寄送"],
    },
    Trade {
        categories: &[("生活服务", "家政服务"), ("生活服务", "洗浴保健"), ("生活服务", "丽人服务")],
        names: &["家政", "洗衣", "美业", "维修"],
        needs: &["上门取送件", "洗护订单取送跟踪", "配件寄送"],
    },
    Trade {
        categories: &[("旅游服务", "景区服务"), ("旅游服务", "旅行社"), ("旅游服务", "住宿服务")],
        names: &["旅行", "景区", "客栈", "民宿"],
        needs: &["伴手礼快递到家", "行李寄送", "纪念品订单查询"],
    },
    Trade {
        categories: &[("汽车服务", "维修保养"), ("汽车服务", "汽车用品"), ("汽车服务", "二手车")],
        names: &["汽车", "养车", "车品"],
        needs: &["配件物流查询", "保养用品寄送"],
    },
    Trade {
        categories: &[("工具", "信息查询"), ("工具", "办公"), ("工具", "备忘录")],
        names: &["助手", "工具箱", "随手查", "小记"],
        needs: &["在工具里提供快递查询", "提醒用户取件", "聚合多家快递信息"],
    },
    Trade {
        categories: &[("商业服务", "软件/建站/技术开发"), ("IT科技", "硬件与设备"), ("IT科技", "软件服务提供商")],
        names: &["科技", "软件", "智能", "网络"],
        needs: &["为客户的商城接入查件", "设备维修寄送跟踪", "接口联调测试"],
    },
    Trade {
        categories: &[("政务民生", "邮政"), ("政务民生", "户政"), ("政务民生", "街道居委")],
        names: &["政务服务", "便民中心", "街道"],
        needs: &["证件邮寄进度查询", "办事材料双向寄递"],
    },
    Trade {
        categories: &[("餐饮", "点餐平台"), ("教育", "教育信息服务"), ("旅游", "旅游攻略")],
        names: &["商行", "工作室", "信息服务"],
        needs: &["老版本小程序继续使用插件", "升级后重新申请查件功能"],
    },
];

pub(super) const PLACES: &[&str] = &[
    "杭州", "成都", "深圳", "广州", "武汉", "西安", "苏州", "青岛", "长沙", "厦门", "郑州", "昆明", "顺德", "义乌",
    "宁波", "佛山",
];

pub(super) const BRANDS: &[&str] = &[
    "顺达",
    "云栖",
    "好又多",
    "蓝鲸",
    "小橙",
    "青禾",
    "星河",
    "一诺",
    "百川",
    "老街口",
    "悦享",
    "木子",
    "大白",
    "四季",
    "锦里",
    "拾光",
];

pub(super) const OPENINGS: &[&str] = &[
    "我们是{place}的{name}，",
    "您好，{name}小程序",
    "{name}申请使用插件，",
    "本公司主营{name}，",
    "小程序「{name}」",
];

pub(super) const WISHES: &[&str] = &[
    "希望{need}。",
    "需要用到插件来{need}，谢谢！",
    "用于{need}，请通过。",
    "想{need}，请审核。",
    "计划下月上线，功能是{need}。",
];

pub(super) const ENGLISH_NAMES: &[&str] = &[
    "Blue Harbor Logistics",
    "Maple Express",
    "Lotus Tea House",
    "Pandora Toys",
    "Silk Road Travel",
    "GreenLeaf Pharmacy",
    "Swift Courier",
    "Jade Garden",
    "Northwind Books",
    "BrightPath Education",
    "Urban Bikes",
    "Little Panda Kids",
];

pub(super) const ENGLISH_REASONS: &[&str] = &[
    "We would like our customers to track parcels inside the mini program.",
    "Need parcel tracking for our online shop, thank you!",
    "Our students receive textbooks by post and ask where they are.",
    "Please approve, we ship about 200 orders a day and need this plugin.",
    "For testing with our development team before the launch next month.",
    "We sell tea to overseas customers and want to show delivery status.",
];

pub(super) const TOO_SHORT: &[&str] = &["测试", "用", "申请", "123", "请通过", "。", "test", "需要", "hi", "？？"];

pub(super) const CONTACTS: &[&str] = &[
    "急用，请加微信 {handle} 详谈",
    "通过后联系我 QQ：{digits}",
    "负责人电话 {phone}，麻烦尽快通过",
    "请联系 vx: {handle}，有合作",
    "Please contact us at {handle}@example.com or call {phone}",
];

pub(super) const SPAM: &[&str] = &[
    "博彩平台引流，日结",
    "刷单返利，高佣金",
    "小额贷款，当天放款，无需征信",
    "网赌代理招募",
    "彩票预测，稳赚不赔",
    "兼职刷单，一单一结",
    "加群领红包返利",
    "信用卡套现，秒到账",
    "投资理财，月息三分",
    "成人用品，私密发货",
    "代开发票，诚信经营",
    "棋牌游戏上下分",
];

/// Spam as it hides: the same words with other letters.
pub(super) const DISGUISES: &[&str] = &[
    "博 彩 平台，正规",
    "博\u{200b}彩\u{200b}娱乐",
    "刷\u{200d}单兼职",
    "返．利．平．台",
    "賭博平臺代理",
    "貸款秒批，無需抵押",
    "ＱＱ１０００１领红包",
    "刷 單 返 利",
    "博\u{fe0f}彩推广",
    "贷\u{00ad}款不看征信",
    "棋 牌 上 下 分",
    "ｂｏｃａｉ 平台 博彩",
];

pub(super) const SPAM_NAMES: &[&str] = &["财富通", "快钱吧", "红包群", "日日赚", "好运来", "稳赢", "福利社", "赚吧"];
