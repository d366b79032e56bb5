-- A log of some passes, written by the first schema; see migration.rs. Never edited: what is in the field is as it is.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO _sqlx_migrations VALUES(1,'audit log','2026-11-22 04:45:49',1,X'e95b9edf5ba95e732d9da94d443b0463e4639b60ab47753b25f5bb4bc71c0270969e0aa3094772448dcc691ffa394ac8',6006284);
CREATE TABLE rulesets (
    hash          TEXT NOT NULL UNIQUE,
    engine        TEXT NOT NULL,                            -- version of folding and rules that gave the hash
    spec          TEXT NOT NULL CHECK (json_valid(spec)),
    first_used_at INTEGER NOT NULL
) STRICT;
INSERT INTO rulesets VALUES('d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018','1','{"rules":[{"name":"gambling","action":"refuse","message":"申请说明含有「{keyword}」，本插件不对该类业务开放。","when":[{"any_of":[[{"reason":{"any":["博彩","赌博","网赌","棋牌","彩票"]}}],[{"nickname":{"any":["博彩","赌博","网赌","棋牌","彩票"]}}]]}]},{"name":"quick money","action":"refuse","message":"申请说明含有「{keyword}」，请说明真实用途后重新申请。","when":[{"reason":{"any":["刷单","返利","贷款","套现","日结","领红包","理财"]}}]},{"name":"says too little","action":"refuse","message":"申请说明过短，请写明「{nickname}」将如何使用本插件后重新申请。","when":[{"reason":{"max_chars":4}}]},{"name":"contact details","action":"hold","when":[{"reason":{"any":["微信","QQ","vx","电话","call"]}}]},{"name":"medicine is checked by hand","action":"hold","when":[{"category":{"any":["医疗服务","医疗"]}}]},{"name":"known trades","action":"agree","when":[{"category":{"all":["物流服务","商家自营/*","餐饮服务","教育服务","旅游服务","生活服务","工具"]}},{"reason":{"min_chars":5}}]},{"name":"legacy category names","action":"agree","mode":"shadow","when":[{"category":{"all":["餐饮","教育","旅游","IT科技"]}}]}],"default":"hold","message_max_chars":200}',1795322749123);
CREATE TABLE decisions (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    decided_at       INTEGER NOT NULL,
    decided_day      TEXT NOT NULL,                         -- calendar day in the service's time zone, 2026-11-22
    account          TEXT NOT NULL,                         -- our name for it
    account_appid    TEXT NOT NULL,                         -- WeChat's
    base_url         TEXT NOT NULL,                         -- which WeChat: the real one, or a sandbox
    appid            TEXT NOT NULL,                         -- the applicant
    create_time      TEXT,                                  -- as received; NULL = none was sent
    create_time_secs INTEGER,                               -- the same as Unix seconds; NULL = unreadable
    categories       TEXT NOT NULL CHECK (json_valid(categories)),
    malformed        TEXT CHECK (json_valid(malformed)),    -- WeChat's names of fields of a wrong kind; NULL = none
    verdict          TEXT NOT NULL CHECK (verdict IN ('agree', 'refuse', 'hold', 'delete')),
    rule             TEXT,
    mode             TEXT NOT NULL CHECK (mode IN ('live', 'shadow')),
    actor            TEXT NOT NULL,
    brake            TEXT,
    unknown_rules    TEXT NOT NULL CHECK (json_valid(unknown_rules)),
    pass             TEXT NOT NULL,
    ruleset          TEXT NOT NULL                          -- rulesets.hash; empty when no rules were asked
) STRICT;
INSERT INTO decisions VALUES(1,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wx0726527700000006','1795247803',1795247803,'["商家自营/食品饮料"]',NULL,'hold','contact details','live','rules',NULL,'[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(2,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wx07398f6e00000005','1795258757',1795258757,'[]',NULL,'refuse','gambling','live','rules','pause','["known trades","medicine is checked by hand"]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(3,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wx0ce84a8900000003','1795266355',1795266355,'["医疗服务/就医服务"]',NULL,'refuse','gambling','live','rules','pause','[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(4,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxdf00724500000001','1795276442',1795276442,'["汽车服务/汽车用品"]',NULL,'refuse','says too little','live','rules','pause','[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(5,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxf8184e0800000008','1795288769',1795288769,'["物流服务/查件","政务民生/街道居委"]',NULL,'hold','contact details','live','rules',NULL,'[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(6,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxa9587e7f00000009','1795312070',1795312070,'["教育服务/在线视频课程"]',NULL,'refuse','quick money','live','rules','pause','[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(7,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wx623fd90f00000004','1795312661',1795312661,'["教育/教育信息服务","旅游/旅游攻略"]',NULL,'refuse','quick money','live','rules','pause','[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(8,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxce4ca0f60000000a','1795318360',1795318360,'["医疗服务/互联网医院"]',NULL,'hold','medicine is checked by hand','live','rules',NULL,'[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(9,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wx26d63b800000000d','1795319452',1795319452,'["商家自营/服装/鞋/箱包"]',NULL,'hold','contact details','live','rules',NULL,'[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(10,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxb82d8b550000000b','1795320444',1795320444,'["IT科技/软件服务提供商"]',NULL,'hold',NULL,'live','rules',NULL,'[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(11,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxb9f383a400000002','1795249611',1795249611,'["商家自营/百货商场/购物中心"]',NULL,'agree','known trades','live','rules',NULL,'[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(12,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxb6d1beb100000000','1795278433',1795278433,'["餐饮服务/外卖平台"]',NULL,'agree','known trades','live','rules',NULL,'[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(13,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wx7c75213900000007','1795287853',1795287853,'["旅游服务/旅行社"]',NULL,'agree','known trades','live','rules',NULL,'[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(14,1795322749123,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxaa9e69c80000000c','1795315036',1795315036,'["物流服务/货物运输"]',NULL,'agree','known trades','live','rules',NULL,'[]','20261122T044549Z-16723-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(15,1795322749435,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wx07398f6e00000005','1795258757',1795258757,'[]',NULL,'refuse','gambling','live','rules',NULL,'["known trades","medicine is checked by hand"]','20261122T044549Z-16746-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(16,1795322749435,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wx0ce84a8900000003','1795266355',1795266355,'["医疗服务/就医服务"]',NULL,'refuse','gambling','live','rules',NULL,'[]','20261122T044549Z-16746-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(17,1795322749435,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxdf00724500000001','1795276442',1795276442,'["汽车服务/汽车用品"]',NULL,'refuse','says too little','live','rules',NULL,'[]','20261122T044549Z-16746-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(18,1795322749435,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wxa9587e7f00000009','1795312070',1795312070,'["教育服务/在线视频课程"]',NULL,'refuse','quick money','live','rules',NULL,'[]','20261122T044549Z-16746-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(19,1795322749435,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18787','wx623fd90f00000004','1795312661',1795312661,'["教育/教育信息服务","旅游/旅游攻略"]',NULL,'refuse','quick money','live','rules',NULL,'[]','20261122T044549Z-16746-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
CREATE TABLE words (
    decision_id INTEGER PRIMARY KEY REFERENCES decisions (id),
    nickname    TEXT,
    reason      TEXT,
    message     TEXT,                                       -- may quote the nickname
    why         TEXT CHECK (json_valid(why)),               -- may quote what was found in the reason
    headimgurl  TEXT,
    apply_url   TEXT
) STRICT;
INSERT INTO words VALUES(1,'好又多优选','急用，请加微信 ardrcbe 详谈',NULL,'{"sentence":"hold: rule \"contact details\" (c.toml:37): reason contains 微信","rules":[{"rule":"contact details","action":"hold","place":"c.toml:37","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 微信","found":[{"keyword":"微信","start":15,"end":21}]}]},{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"商家自营/食品饮料 matches 商家自营/*"},{"path":"when.reason.min_chars","truth":"true","words":"has 18 characters, at least 5"}]}]}','http://wx.qlogo.cn/mmhead/0726527700000006/0','http://wx.qlogo.cn/mmopen/wxacode/0726527700000006/0');
INSERT INTO words VALUES(2,'稳赢505','博 彩 平台，正规','申请说明含有「博彩」，本插件不对该类业务开放。','{"sentence":"refuse: rule \"gambling\" (c.toml:19): reason contains 博彩; held: acting is paused","rules":[{"rule":"gambling","action":"refuse","place":"c.toml:19","truth":"true","conditions":[{"path":"when.any_of[0].reason.any","truth":"true","words":"contains 博彩","found":[{"keyword":"博彩","start":0,"end":7}]},{"path":"when.any_of[1].nickname.any","truth":"false","words":"contains none of 5 keywords"}]},{"rule":"medicine is checked by hand","action":"hold","place":"c.toml:42","truth":"unknown","conditions":[{"path":"when.category.any","truth":"unknown","words":"no categories"}]},{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"unknown","conditions":[{"path":"when.category.all","truth":"unknown","words":"no categories"},{"path":"when.reason.min_chars","truth":"true","words":"has 9 characters, at least 5"}]},{"rule":"legacy category names","action":"agree","shadow":true,"place":"c.toml:52","truth":"unknown","conditions":[{"path":"when.category.all","truth":"unknown","words":"no categories"}]}]}','http://wx.qlogo.cn/mmhead/07398f6e00000005/0','http://wx.qlogo.cn/mmopen/wxacode/07398f6e00000005/0');
INSERT INTO words VALUES(3,'日日赚310','博彩平台引流，日结','申请说明含有「博彩」，本插件不对该类业务开放。','{"sentence":"refuse: rule \"gambling\" (c.toml:19): reason contains 博彩; held: acting is paused","rules":[{"rule":"gambling","action":"refuse","place":"c.toml:19","truth":"true","conditions":[{"path":"when.any_of[0].reason.any","truth":"true","words":"contains 博彩","found":[{"keyword":"博彩","start":0,"end":6}]},{"path":"when.any_of[1].nickname.any","truth":"false","words":"contains none of 5 keywords"}]},{"rule":"quick money","action":"refuse","place":"c.toml:25","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 日结","found":[{"keyword":"日结","start":21,"end":27}]}]},{"rule":"medicine is checked by hand","action":"hold","place":"c.toml:42","truth":"true","conditions":[{"path":"when.category.any","truth":"true","words":"医疗服务/就医服务 matches 医疗服务"}]}]}','http://wx.qlogo.cn/mmhead/0ce84a8900000003/0','http://wx.qlogo.cn/mmopen/wxacode/0ce84a8900000003/0');
INSERT INTO words VALUES(4,'百川养车','测试','申请说明过短，请写明「百川养车」将如何使用本插件后重新申请。','{"sentence":"refuse: rule \"says too little\" (c.toml:31): reason has 2 characters, at most 4; held: acting is paused","rules":[{"rule":"says too little","action":"refuse","place":"c.toml:31","truth":"true","conditions":[{"path":"when.reason.max_chars","truth":"true","words":"has 2 characters, at most 4"}]}]}','http://wx.qlogo.cn/mmhead/df00724500000001/0','http://wx.qlogo.cn/mmopen/wxacode/df00724500000001/0');
INSERT INTO words VALUES(5,'星河物流义乌店','负责人电话 10044387402，麻烦尽快通过',NULL,'{"sentence":"hold: rule \"contact details\" (c.toml:37): reason contains 电话","rules":[{"rule":"contact details","action":"hold","place":"c.toml:37","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 电话","found":[{"keyword":"电话","start":9,"end":15}]}]}]}','http://wx.qlogo.cn/mmhead/f8184e0800000008/0','http://wx.qlogo.cn/mmopen/wxacode/f8184e0800000008/0');
INSERT INTO words VALUES(6,'福利社956','刷单返利，高佣金','申请说明含有「刷单」，请说明真实用途后重新申请。','{"sentence":"refuse: rule \"quick money\" (c.toml:25): reason contains 刷单, 返利; held: acting is paused","rules":[{"rule":"quick money","action":"refuse","place":"c.toml:25","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 刷单, 返利","found":[{"keyword":"刷单","start":0,"end":6},{"keyword":"返利","start":6,"end":12}]}]},{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"教育服务/在线视频课程 matches 教育服务"},{"path":"when.reason.min_chars","truth":"true","words":"has 8 characters, at least 5"}]}]}','http://wx.qlogo.cn/mmhead/a9587e7f00000009/0','http://wx.qlogo.cn/mmopen/wxacode/a9587e7f00000009/0');
INSERT INTO words VALUES(7,'红包群212','投资理财，月息三分','申请说明含有「理财」，请说明真实用途后重新申请。','{"sentence":"refuse: rule \"quick money\" (c.toml:25): reason contains 理财; shadow rule \"legacy category names\" would agree; held: acting is paused","rules":[{"rule":"quick money","action":"refuse","place":"c.toml:25","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 理财","found":[{"keyword":"理财","start":6,"end":12}]}]},{"rule":"legacy category names","action":"agree","shadow":true,"place":"c.toml:52","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"教育/教育信息服务 matches 教育, 旅游/旅游攻略 matches 旅游"}]}]}','http://wx.qlogo.cn/mmhead/623fd90f00000004/0','http://wx.qlogo.cn/mmopen/wxacode/623fd90f00000004/0');
INSERT INTO words VALUES(8,'Little Panda Kids 83','Please approve, we ship about 200 orders a day and need this plugin.',NULL,'{"sentence":"hold: rule \"medicine is checked by hand\" (c.toml:42): category 医疗服务/互联网医院 matches 医疗服务","rules":[{"rule":"medicine is checked by hand","action":"hold","place":"c.toml:42","truth":"true","conditions":[{"path":"when.category.any","truth":"true","words":"医疗服务/互联网医院 matches 医疗服务"}]}]}','http://wx.qlogo.cn/mmhead/ce4ca0f60000000a/0','http://wx.qlogo.cn/mmopen/wxacode/ce4ca0f60000000a/0');
INSERT INTO words VALUES(9,'大白·服饰','通过后联系我 QQ：10547373',NULL,'{"sentence":"hold: rule \"contact details\" (c.toml:37): reason contains QQ","rules":[{"rule":"contact details","action":"hold","place":"c.toml:37","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains QQ","found":[{"keyword":"QQ","start":19,"end":21}]}]},{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"商家自营/服装/鞋/箱包 matches 商家自营/*"},{"path":"when.reason.min_chars","truth":"true","words":"has 18 characters, at least 5"}]}]}','http://wx.qlogo.cn/mmhead/26d63b800000000d/0','http://wx.qlogo.cn/mmopen/wxacode/26d63b800000000d/0');
INSERT INTO words VALUES(10,'BrightPath Education 8','For testing with our development team before the launch next month.',NULL,'{"sentence":"hold: no rule fires; the default is hold; shadow rule \"legacy category names\" would agree","rules":[{"rule":"legacy category names","action":"agree","shadow":true,"place":"c.toml:52","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"IT科技/软件服务提供商 matches IT科技"}]}]}','http://wx.qlogo.cn/mmhead/b82d8b550000000b/0','http://wx.qlogo.cn/mmopen/wxacode/b82d8b550000000b/0');
INSERT INTO words VALUES(11,'Little Panda Kids 13','We would like our customers to track parcels inside the mini program.',NULL,'{"sentence":"agree: rule \"known trades\" (c.toml:47): category 商家自营/百货商场/购物中心 matches 商家自营/*; reason has 69 characters, at least 5","rules":[{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"商家自营/百货商场/购物中心 matches 商家自营/*"},{"path":"when.reason.min_chars","truth":"true","words":"has 69 characters, at least 5"}]}]}','http://wx.qlogo.cn/mmhead/b9f383a400000002/0','http://wx.qlogo.cn/mmopen/wxacode/b9f383a400000002/0');
INSERT INTO words VALUES(12,'Urban Bikes 77','Our students receive textbooks by post and ask where they are.',NULL,'{"sentence":"agree: rule \"known trades\" (c.toml:47): category 餐饮服务/外卖平台 matches 餐饮服务; reason has 62 characters, at least 5","rules":[{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"餐饮服务/外卖平台 matches 餐饮服务"},{"path":"when.reason.min_chars","truth":"true","words":"has 62 characters, at least 5"}]}]}','http://wx.qlogo.cn/mmhead/b6d1beb100000000/0','http://wx.qlogo.cn/mmopen/wxacode/b6d1beb100000000/0');
INSERT INTO words VALUES(13,'Lotus Tea House 94','We sell tea to overseas customers and want to show delivery status.',NULL,'{"sentence":"agree: rule \"known trades\" (c.toml:47): category 旅游服务/旅行社 matches 旅游服务; reason has 67 characters, at least 5","rules":[{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"旅游服务/旅行社 matches 旅游服务"},{"path":"when.reason.min_chars","truth":"true","words":"has 67 characters, at least 5"}]}]}','http://wx.qlogo.cn/mmhead/7c75213900000007/0','http://wx.qlogo.cn/mmopen/wxacode/7c75213900000007/0');
INSERT INTO words VALUES(14,'Pandora Toys 64','For testing with our development team before the launch next month.',NULL,'{"sentence":"agree: rule \"known trades\" (c.toml:47): category 物流服务/货物运输 matches 物流服务; reason has 67 characters, at least 5","rules":[{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"物流服务/货物运输 matches 物流服务"},{"path":"when.reason.min_chars","truth":"true","words":"has 67 characters, at least 5"}]}]}','http://wx.qlogo.cn/mmhead/aa9e69c80000000c/0','http://wx.qlogo.cn/mmopen/wxacode/aa9e69c80000000c/0');
INSERT INTO words VALUES(15,'稳赢505','博 彩 平台，正规','申请说明含有「博彩」，本插件不对该类业务开放。','{"sentence":"refuse: rule \"gambling\" (c.toml:19): reason contains 博彩","rules":[{"rule":"gambling","action":"refuse","place":"c.toml:19","truth":"true","conditions":[{"path":"when.any_of[0].reason.any","truth":"true","words":"contains 博彩","found":[{"keyword":"博彩","start":0,"end":7}]},{"path":"when.any_of[1].nickname.any","truth":"false","words":"contains none of 5 keywords"}]},{"rule":"medicine is checked by hand","action":"hold","place":"c.toml:42","truth":"unknown","conditions":[{"path":"when.category.any","truth":"unknown","words":"no categories"}]},{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"unknown","conditions":[{"path":"when.category.all","truth":"unknown","words":"no categories"},{"path":"when.reason.min_chars","truth":"true","words":"has 9 characters, at least 5"}]},{"rule":"legacy category names","action":"agree","shadow":true,"place":"c.toml:52","truth":"unknown","conditions":[{"path":"when.category.all","truth":"unknown","words":"no categories"}]}]}','http://wx.qlogo.cn/mmhead/07398f6e00000005/0','http://wx.qlogo.cn/mmopen/wxacode/07398f6e00000005/0');
INSERT INTO words VALUES(16,'日日赚310','博彩平台引流，日结','申请说明含有「博彩」，本插件不对该类业务开放。','{"sentence":"refuse: rule \"gambling\" (c.toml:19): reason contains 博彩","rules":[{"rule":"gambling","action":"refuse","place":"c.toml:19","truth":"true","conditions":[{"path":"when.any_of[0].reason.any","truth":"true","words":"contains 博彩","found":[{"keyword":"博彩","start":0,"end":6}]},{"path":"when.any_of[1].nickname.any","truth":"false","words":"contains none of 5 keywords"}]},{"rule":"quick money","action":"refuse","place":"c.toml:25","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 日结","found":[{"keyword":"日结","start":21,"end":27}]}]},{"rule":"medicine is checked by hand","action":"hold","place":"c.toml:42","truth":"true","conditions":[{"path":"when.category.any","truth":"true","words":"医疗服务/就医服务 matches 医疗服务"}]}]}','http://wx.qlogo.cn/mmhead/0ce84a8900000003/0','http://wx.qlogo.cn/mmopen/wxacode/0ce84a8900000003/0');
INSERT INTO words VALUES(17,'百川养车','测试','申请说明过短，请写明「百川养车」将如何使用本插件后重新申请。','{"sentence":"refuse: rule \"says too little\" (c.toml:31): reason has 2 characters, at most 4","rules":[{"rule":"says too little","action":"refuse","place":"c.toml:31","truth":"true","conditions":[{"path":"when.reason.max_chars","truth":"true","words":"has 2 characters, at most 4"}]}]}','http://wx.qlogo.cn/mmhead/df00724500000001/0','http://wx.qlogo.cn/mmopen/wxacode/df00724500000001/0');
INSERT INTO words VALUES(18,'福利社956','刷单返利，高佣金','申请说明含有「刷单」，请说明真实用途后重新申请。','{"sentence":"refuse: rule \"quick money\" (c.toml:25): reason contains 刷单, 返利","rules":[{"rule":"quick money","action":"refuse","place":"c.toml:25","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 刷单, 返利","found":[{"keyword":"刷单","start":0,"end":6},{"keyword":"返利","start":6,"end":12}]}]},{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"教育服务/在线视频课程 matches 教育服务"},{"path":"when.reason.min_chars","truth":"true","words":"has 8 characters, at least 5"}]}]}','http://wx.qlogo.cn/mmhead/a9587e7f00000009/0','http://wx.qlogo.cn/mmopen/wxacode/a9587e7f00000009/0');
INSERT INTO words VALUES(19,'红包群212','投资理财，月息三分','申请说明含有「理财」，请说明真实用途后重新申请。','{"sentence":"refuse: rule \"quick money\" (c.toml:25): reason contains 理财; shadow rule \"legacy category names\" would agree","rules":[{"rule":"quick money","action":"refuse","place":"c.toml:25","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 理财","found":[{"keyword":"理财","start":6,"end":12}]}]},{"rule":"legacy category names","action":"agree","shadow":true,"place":"c.toml:52","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"教育/教育信息服务 matches 教育, 旅游/旅游攻略 matches 旅游"}]}]}','http://wx.qlogo.cn/mmhead/623fd90f00000004/0','http://wx.qlogo.cn/mmopen/wxacode/623fd90f00000004/0');
CREATE TABLE calls (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    decision_id INTEGER NOT NULL REFERENCES decisions (id),
    attempt     INTEGER NOT NULL CHECK (attempt > 0),
    action      TEXT NOT NULL CHECK (action IN ('agree', 'refuse', 'delete')),
    sent_at     INTEGER NOT NULL,
    took_ms     INTEGER NOT NULL,
    fate        TEXT NOT NULL CHECK (fate IN ('accepted', 'rejected', 'lost', 'unsent')),
    http_status INTEGER,
    errcode     INTEGER,
    errmsg      TEXT,
    rid         TEXT,
    UNIQUE (decision_id, attempt)
) STRICT;
INSERT INTO calls VALUES(1,11,1,'agree',1795322749199,2,'lost',NULL,NULL,'the connection to WeChat broke: connection closed before message completed',NULL);
INSERT INTO calls VALUES(2,14,1,'agree',1795322749222,2,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(3,13,1,'agree',1795322749224,2,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(4,12,1,'agree',1795322749226,2,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(5,15,1,'refuse',1795322749499,2,'lost',200,-1,'system error rid: 6b02737d-6d579b45-b8012c25','6b02737d-6d579b45-b8012c25');
INSERT INTO calls VALUES(6,16,1,'refuse',1795322751047,2,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(7,19,1,'refuse',1795322751116,1,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(8,18,1,'refuse',1795322751116,2,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(9,17,1,'refuse',1795322751115,4,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(10,15,2,'refuse',1795322751419,2,'accepted',200,0,'ok',NULL);
CREATE TABLE settlements (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    decision_id INTEGER NOT NULL REFERENCES decisions (id),
    at          INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('planned', 'done', 'overtaken', 'held', 'shadow', 'failed')),
    attempt     INTEGER NOT NULL,                           -- 0 where nothing is to be sent
    note        TEXT
) STRICT;
INSERT INTO settlements VALUES(1,1,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(2,2,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(3,3,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(4,4,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(5,5,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(6,6,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(7,7,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(8,8,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(9,9,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(10,10,1795322749123,'held',0,NULL);
INSERT INTO settlements VALUES(11,11,1795322749123,'planned',1,NULL);
INSERT INTO settlements VALUES(12,11,1795322749213,'done',1,'settled by reading the list again');
INSERT INTO settlements VALUES(13,12,1795322749123,'planned',1,NULL);
INSERT INTO settlements VALUES(14,13,1795322749123,'planned',1,NULL);
INSERT INTO settlements VALUES(15,14,1795322749123,'planned',1,NULL);
INSERT INTO settlements VALUES(16,14,1795322749225,'done',1,NULL);
INSERT INTO settlements VALUES(17,13,1795322749227,'done',1,NULL);
INSERT INTO settlements VALUES(18,12,1795322749228,'done',1,NULL);
INSERT INTO settlements VALUES(19,15,1795322749435,'planned',1,NULL);
INSERT INTO settlements VALUES(20,15,1795322751030,'failed',1,'settled by reading the list again');
INSERT INTO settlements VALUES(21,16,1795322749435,'planned',1,NULL);
INSERT INTO settlements VALUES(22,16,1795322751050,'done',1,NULL);
INSERT INTO settlements VALUES(23,17,1795322749435,'planned',1,NULL);
INSERT INTO settlements VALUES(24,18,1795322749435,'planned',1,NULL);
INSERT INTO settlements VALUES(25,19,1795322749435,'planned',1,NULL);
INSERT INTO settlements VALUES(26,19,1795322751117,'done',1,NULL);
INSERT INTO settlements VALUES(27,18,1795322751118,'done',1,NULL);
INSERT INTO settlements VALUES(28,17,1795322751119,'done',1,NULL);
INSERT INTO settlements VALUES(29,15,1795322751413,'planned',2,NULL);
INSERT INTO settlements VALUES(30,15,1795322751421,'done',2,NULL);
CREATE TABLE standing (
    decision_id INTEGER PRIMARY KEY REFERENCES decisions (id),
    decided_at  INTEGER NOT NULL,                           -- of the decision, for the index below
    outcome     TEXT NOT NULL,
    attempt     INTEGER NOT NULL,                           -- the last one announced
    attempts    INTEGER NOT NULL,                           -- those that were or may have been sent
    errcode     INTEGER,                                    -- of the last call
    errmsg      TEXT,
    settled_at  INTEGER                                     -- NULL while planned
) STRICT;
INSERT INTO standing VALUES(1,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(2,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(3,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(4,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(5,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(6,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(7,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(8,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(9,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(10,1795322749123,'held',0,0,NULL,NULL,1795322749123);
INSERT INTO standing VALUES(11,1795322749123,'done',1,1,NULL,'the connection to WeChat broke: connection closed before message completed',1795322749213);
INSERT INTO standing VALUES(12,1795322749123,'done',1,1,0,'ok',1795322749228);
INSERT INTO standing VALUES(13,1795322749123,'done',1,1,0,'ok',1795322749227);
INSERT INTO standing VALUES(14,1795322749123,'done',1,1,0,'ok',1795322749225);
INSERT INTO standing VALUES(15,1795322749435,'done',2,2,0,'ok',1795322751421);
INSERT INTO standing VALUES(16,1795322749435,'done',1,1,0,'ok',1795322751050);
INSERT INTO standing VALUES(17,1795322749435,'done',1,1,0,'ok',1795322751119);
INSERT INTO standing VALUES(18,1795322749435,'done',1,1,0,'ok',1795322751118);
INSERT INTO standing VALUES(19,1795322749435,'done',1,1,0,'ok',1795322751117);
CREATE TABLE rollup (
    day     TEXT NOT NULL,
    account TEXT NOT NULL,
    verdict TEXT NOT NULL,
    rule    TEXT NOT NULL,                                  -- empty = no rule
    outcome TEXT NOT NULL,
    n       INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (day, account, verdict, rule, outcome)
) STRICT, WITHOUT ROWID;
INSERT INTO rollup VALUES('2026-11-22','express','agree','known trades','done',4);
INSERT INTO rollup VALUES('2026-11-22','express','agree','known trades','planned',0);
INSERT INTO rollup VALUES('2026-11-22','express','hold','','held',1);
INSERT INTO rollup VALUES('2026-11-22','express','hold','contact details','held',3);
INSERT INTO rollup VALUES('2026-11-22','express','hold','medicine is checked by hand','held',1);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','gambling','done',2);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','gambling','failed',0);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','gambling','held',2);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','gambling','planned',0);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','quick money','done',2);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','quick money','held',2);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','quick money','planned',0);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','says too little','done',1);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','says too little','held',1);
INSERT INTO rollup VALUES('2026-11-22','express','refuse','says too little','planned',0);
CREATE TABLE allowance (
    decision_id   INTEGER PRIMARY KEY REFERENCES decisions (id),
    account_appid TEXT NOT NULL,
    action        TEXT NOT NULL,
    day           TEXT NOT NULL,
    rule          TEXT
) STRICT;
INSERT INTO allowance VALUES(11,'wx5a4d424f58000001','agree','2026-11-22','known trades');
INSERT INTO allowance VALUES(12,'wx5a4d424f58000001','agree','2026-11-22','known trades');
INSERT INTO allowance VALUES(13,'wx5a4d424f58000001','agree','2026-11-22','known trades');
INSERT INTO allowance VALUES(14,'wx5a4d424f58000001','agree','2026-11-22','known trades');
INSERT INTO allowance VALUES(15,'wx5a4d424f58000001','refuse','2026-11-22','gambling');
INSERT INTO allowance VALUES(16,'wx5a4d424f58000001','refuse','2026-11-22','gambling');
INSERT INTO allowance VALUES(17,'wx5a4d424f58000001','refuse','2026-11-22','says too little');
INSERT INTO allowance VALUES(18,'wx5a4d424f58000001','refuse','2026-11-22','quick money');
INSERT INTO allowance VALUES(19,'wx5a4d424f58000001','refuse','2026-11-22','quick money');
CREATE TABLE spending (
    account_appid TEXT NOT NULL,
    day           TEXT NOT NULL,
    action        TEXT NOT NULL,
    n             INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (account_appid, day, action)
) STRICT, WITHOUT ROWID;
INSERT INTO spending VALUES('wx5a4d424f58000001','2026-11-22','agree',4);
INSERT INTO spending VALUES('wx5a4d424f58000001','2026-11-22','refuse',5);
CREATE TABLE brakes (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    at            INTEGER NOT NULL,
    event         TEXT NOT NULL CHECK (event IN ('set', 'lifted')),
    lifts         INTEGER REFERENCES brakes (id) CHECK ((lifts IS NULL) = (event = 'set')),
    kind          TEXT NOT NULL CHECK (kind IN ('pause', 'verification')),
    account_appid TEXT,                                     -- NULL = every account
    base_url      TEXT,                                     -- NULL = every one
    action        TEXT CHECK (action IN ('agree', 'refuse', 'delete')), -- NULL = every action
    why           TEXT,
    who           TEXT NOT NULL
) STRICT;
INSERT INTO brakes VALUES(1,1795322749022,'set',NULL,'pause',NULL,NULL,'refuse','rules under review','cli:ann');
INSERT INTO brakes VALUES(2,1795322749300,'lifted',1,'pause',NULL,NULL,'refuse','read again','cli:ann');
INSERT INTO brakes VALUES(3,1795322751559,'set',NULL,'pause','wx5a4d424f58000001',NULL,NULL,'for the night','cli:ann');
CREATE TABLE proofs (
    account_appid TEXT NOT NULL,
    base_url      TEXT NOT NULL,
    action        TEXT NOT NULL CHECK (action IN ('agree', 'refuse', 'delete')),
    decision_id   INTEGER NOT NULL REFERENCES decisions (id),
    at            INTEGER NOT NULL,
    PRIMARY KEY (account_appid, base_url, action)
) STRICT;
INSERT INTO proofs VALUES('wx5a4d424f58000001','http://127.0.0.1:18787','agree',11,1795322749215);
INSERT INTO proofs VALUES('wx5a4d424f58000001','http://127.0.0.1:18787','refuse',16,1795322751080);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('brakes',3);
INSERT INTO sqlite_sequence VALUES('decisions',19);
INSERT INTO sqlite_sequence VALUES('settlements',30);
INSERT INTO sqlite_sequence VALUES('calls',10);
CREATE INDEX decisions_by_appid   ON decisions (appid, account_appid, create_time);
CREATE INDEX decisions_by_time    ON decisions (decided_at);
CREATE INDEX decisions_by_account ON decisions (account, decided_at);
CREATE INDEX decisions_by_verdict ON decisions (verdict, decided_at);
CREATE INDEX decisions_by_rule    ON decisions (rule, decided_at)  WHERE rule IS NOT NULL;
CREATE INDEX decisions_by_brake   ON decisions (brake, decided_at) WHERE brake IS NOT NULL;
CREATE INDEX settlements_by_decision ON settlements (decision_id);
CREATE INDEX standing_by_outcome ON standing (outcome, decided_at);
CREATE UNIQUE INDEX brakes_lifted ON brakes (lifts) WHERE lifts IS NOT NULL;
CREATE TRIGGER settlements_fold AFTER INSERT ON settlements BEGIN
    UPDATE rollup SET n = n - 1
     WHERE (day, account, verdict, rule, outcome) = (
           SELECT d.decided_day, d.account, d.verdict, ifnull(d.rule, ''), s.outcome
             FROM decisions d JOIN standing s ON s.decision_id = d.id
            WHERE d.id = NEW.decision_id);
    INSERT INTO rollup (day, account, verdict, rule, outcome, n)
    SELECT decided_day, account, verdict, ifnull(rule, ''), NEW.outcome, 1
      FROM decisions WHERE id = NEW.decision_id
        ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO standing (decision_id, decided_at, outcome, attempt, attempts, settled_at)
    SELECT id, decided_at, NEW.outcome, NEW.attempt, NEW.outcome = 'planned', iif(NEW.outcome = 'planned', NULL, NEW.at)
      FROM decisions WHERE id = NEW.decision_id
        ON CONFLICT DO UPDATE SET outcome = excluded.outcome, attempt = excluded.attempt,
                                  attempts = attempts + excluded.attempts, settled_at = excluded.settled_at;
END;
CREATE TRIGGER calls_fold AFTER INSERT ON calls BEGIN
    UPDATE standing SET errcode = NEW.errcode, errmsg = NEW.errmsg, attempts = attempts - (NEW.fate = 'unsent')
     WHERE decision_id = NEW.decision_id;
END;
CREATE TRIGGER allowance_taken AFTER INSERT ON allowance BEGIN
    INSERT INTO spending (account_appid, day, action, n) VALUES (NEW.account_appid, NEW.day, NEW.action, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER allowance_given_back AFTER DELETE ON allowance BEGIN
    UPDATE spending SET n = n - 1
     WHERE account_appid = OLD.account_appid AND day = OLD.day AND action = OLD.action;
END;
CREATE TRIGGER allowance_stays BEFORE UPDATE ON allowance BEGIN SELECT RAISE(ABORT, 'a place in a limit is taken or given back, not changed'); END;
CREATE TRIGGER decisions_keep   BEFORE UPDATE ON decisions   BEGIN SELECT RAISE(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER decisions_stay   BEFORE DELETE ON decisions   BEGIN SELECT RAISE(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER decisions_once   BEFORE INSERT ON decisions   WHEN EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id)
                                                             BEGIN SELECT RAISE(ABORT, 'decisions is append-only'); END;
CREATE TRIGGER calls_keep       BEFORE UPDATE ON calls       BEGIN SELECT RAISE(ABORT, 'calls is append-only'); END;
CREATE TRIGGER calls_stay       BEFORE DELETE ON calls       BEGIN SELECT RAISE(ABORT, 'calls is append-only'); END;
CREATE TRIGGER calls_once       BEFORE INSERT ON calls       WHEN EXISTS (SELECT 1 FROM calls WHERE id = NEW.id OR (decision_id = NEW.decision_id AND attempt = NEW.attempt))
                                                             BEGIN SELECT RAISE(ABORT, 'calls is append-only'); END;
CREATE TRIGGER settlements_keep BEFORE UPDATE ON settlements BEGIN SELECT RAISE(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER settlements_stay BEFORE DELETE ON settlements BEGIN SELECT RAISE(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER settlements_once BEFORE INSERT ON settlements WHEN EXISTS (SELECT 1 FROM settlements WHERE id = NEW.id)
                                                             BEGIN SELECT RAISE(ABORT, 'settlements is append-only'); END;
CREATE TRIGGER brakes_keep      BEFORE UPDATE ON brakes      BEGIN SELECT RAISE(ABORT, 'brakes is append-only'); END;
CREATE TRIGGER brakes_stay      BEFORE DELETE ON brakes      BEGIN SELECT RAISE(ABORT, 'brakes is append-only'); END;
CREATE TRIGGER proofs_keep      BEFORE UPDATE ON proofs      BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER proofs_stay      BEFORE DELETE ON proofs      BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER rulesets_keep    BEFORE UPDATE ON rulesets    BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;
CREATE TRIGGER rulesets_stay    BEFORE DELETE ON rulesets    BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;
CREATE VIEW audit_log AS
SELECT d.id,
       strftime('%Y-%m-%dT%H:%M:%fZ', d.decided_at / 1000.0, 'unixepoch') AS decided_at,
       d.account,
       d.appid,
       d.create_time_secs AS create_time,
       w.nickname,
       w.reason,
       d.categories,
       d.verdict,
       d.rule,
       w.message,
       d.mode,
       d.actor,
       d.brake,
       s.outcome,
       s.errcode,
       s.errmsg,
       s.attempts,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.settled_at / 1000.0, 'unixepoch') AS settled_at,
       d.pass,
       d.ruleset
  FROM decisions d
  JOIN standing s ON s.decision_id = d.id
  LEFT JOIN words w ON w.decision_id = d.id
 ORDER BY d.id;
COMMIT;
PRAGMA application_id = 1835363955;
PRAGMA user_version = 1;
