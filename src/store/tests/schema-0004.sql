-- A log of some passes, brought to the fourth schema; see migration.rs. Never edited: what is in the field is as it is.
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
INSERT INTO _sqlx_migrations VALUES(1,'audit log','2026-11-22 05:29:07',1,X'e95b9edf5ba95e732d9da94d443b0463e4639b60ab47753b25f5bb4bc71c0270969e0aa3094772448dcc691ffa394ac8',10221918);
INSERT INTO _sqlx_migrations VALUES(2,'chain','2026-11-22 05:29:07',1,X'653b7f6c57109c39da939ded52731939681df35b58cf36c9974bef55955ccfcd00438b5b0adf90fa936348acde4f69b5',22930137);
INSERT INTO _sqlx_migrations VALUES(3,'limits','2026-11-22 06:12:00',1,X'92ba7109e6ebbd711a2bdf6310f2e1fe6e430487403c99d10c0a5fd9c84acc083df16397f29cf8c3485576182258aaf0',12005436);
INSERT INTO _sqlx_migrations VALUES(4,'plugin uses','2026-11-22 06:20:00',1,X'5e3efef36a00e52682c6c9ef07f915f4598ebc004ec5d46a7d69c0c5c587dabdee6e48047038320924be99d1b8e9961b',10221918);
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
INSERT INTO decisions VALUES(1,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wx0726527700000006','1795250420',1795250420,'["商家自营/食品饮料"]',NULL,'hold','contact details','live','rules',NULL,'[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(2,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wx07398f6e00000005','1795261374',1795261374,'[]',NULL,'refuse','gambling','live','rules','pause','["known trades","medicine is checked by hand"]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(3,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wx0ce84a8900000003','1795268972',1795268972,'["医疗服务/就医服务"]',NULL,'refuse','gambling','live','rules','pause','[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(4,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxdf00724500000001','1795279059',1795279059,'["汽车服务/汽车用品"]',NULL,'refuse','says too little','live','rules','pause','[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(5,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxf8184e0800000008','1795291386',1795291386,'["物流服务/查件","政务民生/街道居委"]',NULL,'hold','contact details','live','rules',NULL,'[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(6,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxa9587e7f00000009','1795314687',1795314687,'["教育服务/在线视频课程"]',NULL,'refuse','quick money','live','rules','pause','[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(7,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wx623fd90f00000004','1795315278',1795315278,'["教育/教育信息服务","旅游/旅游攻略"]',NULL,'refuse','quick money','live','rules','pause','[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(8,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxce4ca0f60000000a','1795320977',1795320977,'["医疗服务/互联网医院"]',NULL,'hold','medicine is checked by hand','live','rules',NULL,'[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(9,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wx26d63b800000000d','1795322069',1795322069,'["商家自营/服装/鞋/箱包"]',NULL,'hold','contact details','live','rules',NULL,'[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(10,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxb82d8b550000000b','1795323061',1795323061,'["IT科技/软件服务提供商"]',NULL,'hold',NULL,'live','rules',NULL,'[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(11,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxb9f383a400000002','1795252228',1795252228,'["商家自营/百货商场/购物中心"]',NULL,'agree','known trades','live','rules',NULL,'[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(12,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxb6d1beb100000000','1795281050',1795281050,'["餐饮服务/外卖平台"]',NULL,'agree','known trades','live','rules',NULL,'[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(13,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wx7c75213900000007','1795290470',1795290470,'["旅游服务/旅行社"]',NULL,'agree','known trades','live','rules',NULL,'[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(14,1795325347827,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxaa9e69c80000000c','1795317653',1795317653,'["物流服务/货物运输"]',NULL,'agree','known trades','live','rules',NULL,'[]','20261122T052907Z-19094-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(15,1795325348363,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wx07398f6e00000005','1795261374',1795261374,'[]',NULL,'refuse','gambling','live','rules',NULL,'["known trades","medicine is checked by hand"]','20261122T052908Z-19144-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(16,1795325348363,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wx0ce84a8900000003','1795268972',1795268972,'["医疗服务/就医服务"]',NULL,'refuse','gambling','live','rules',NULL,'[]','20261122T052908Z-19144-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(17,1795325348363,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxdf00724500000001','1795279059',1795279059,'["汽车服务/汽车用品"]',NULL,'refuse','says too little','live','rules',NULL,'[]','20261122T052908Z-19144-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(18,1795325348363,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wxa9587e7f00000009','1795314687',1795314687,'["教育服务/在线视频课程"]',NULL,'refuse','quick money','live','rules',NULL,'[]','20261122T052908Z-19144-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
INSERT INTO decisions VALUES(19,1795325348363,'2026-11-22','express','wx5a4d424f58000001','http://127.0.0.1:18791','wx623fd90f00000004','1795315278',1795315278,'["教育/教育信息服务","旅游/旅游攻略"]',NULL,'refuse','quick money','live','rules',NULL,'[]','20261122T052908Z-19144-1','d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018');
CREATE TABLE words (
    decision_id INTEGER PRIMARY KEY REFERENCES decisions (id),
    nickname    TEXT,
    reason      TEXT,
    message     TEXT,                                       -- may quote the nickname
    why         TEXT CHECK (json_valid(why)),               -- may quote what was found in the reason
    headimgurl  TEXT,
    apply_url   TEXT
, salt BLOB CHECK (length(salt) = 16), seal BLOB CHECK (length(seal) = 32)) STRICT;
INSERT INTO words VALUES(1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'169bcb9778a84cf16626613b7893969b41380d9d58520be10489999787e4ba46');
INSERT INTO words VALUES(2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'531ba2f8d5e6530a4433b0f8b00e27fdfcc78b0abd107cd6b1482229e64b0490');
INSERT INTO words VALUES(3,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'2da56361153cd89ac65e7a3ce55aef8975b49d65d16b13b7b5597f0a70055b81');
INSERT INTO words VALUES(4,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'dd8bcca24c364d4e75dc2e41999ac411f1532d0ffc189a6845625560e9bc6ec0');
INSERT INTO words VALUES(5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'6fccfdf6f29d279a044b14eeb918c40768fe3b487b6cbff7aed69115337da06e');
INSERT INTO words VALUES(6,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'ac67322d46394556e02b1f68e60a4fd31bc9f08a1c7c421f400cb33a099348d1');
INSERT INTO words VALUES(7,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'cb8cda9c7cec51ce17584b23d5206975ea440cdbe6ed31e104fcc917d47a5cc8');
INSERT INTO words VALUES(8,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'47b74263ea1103046f69112f002f1c6cfa1390c43fd5804567c98c5be51aaef8');
INSERT INTO words VALUES(9,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'9e775807aee0e6edd6be1627b87ed673d508ea54a3a1e862d682163e06ef7d0b');
INSERT INTO words VALUES(10,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'790a93d249ee5b13c5d39f441e19b4cf55c3064ca4bb1507dc2dd89181c6522d');
INSERT INTO words VALUES(11,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'2fcb435bc6d8f8dbec1f35fb16a8a34ec8b56be49877abc3476e570bde0949bd');
INSERT INTO words VALUES(12,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'db0da8233ca1106a8654e728d4afd1745e983f6b690bd4f9f1b0c6a06d211de9');
INSERT INTO words VALUES(13,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'e913e6eb0ce86c76a273d8d5c7bac3b50c0c351fd957ae1fa54f09ab86493900');
INSERT INTO words VALUES(14,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'3de5fbc999bb5da09a1a87e59b03ef987c921a98398995a8b124ce7e2b08113e');
INSERT INTO words VALUES(15,'稳赢505','博 彩 平台，正规','申请说明含有「博彩」，本插件不对该类业务开放。','{"sentence":"refuse: rule \"gambling\" (c.toml:19): reason contains 博彩","rules":[{"rule":"gambling","action":"refuse","place":"c.toml:19","truth":"true","conditions":[{"path":"when.any_of[0].reason.any","truth":"true","words":"contains 博彩","found":[{"keyword":"博彩","start":0,"end":7}]},{"path":"when.any_of[1].nickname.any","truth":"false","words":"contains none of 5 keywords"}]},{"rule":"medicine is checked by hand","action":"hold","place":"c.toml:42","truth":"unknown","conditions":[{"path":"when.category.any","truth":"unknown","words":"no categories"}]},{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"unknown","conditions":[{"path":"when.category.all","truth":"unknown","words":"no categories"},{"path":"when.reason.min_chars","truth":"true","words":"has 9 characters, at least 5"}]},{"rule":"legacy category names","action":"agree","shadow":true,"place":"c.toml:52","truth":"unknown","conditions":[{"path":"when.category.all","truth":"unknown","words":"no categories"}]}]}','http://wx.qlogo.cn/mmhead/07398f6e00000005/0','http://wx.qlogo.cn/mmopen/wxacode/07398f6e00000005/0',X'52888ec0927a8c706f0a46ddb960e424',X'0fd015c3574223fb88deca01a63c8c9661c6cd7d7a4350e266bb3eb1aec34330');
INSERT INTO words VALUES(16,'日日赚310','博彩平台引流，日结','申请说明含有「博彩」，本插件不对该类业务开放。','{"sentence":"refuse: rule \"gambling\" (c.toml:19): reason contains 博彩","rules":[{"rule":"gambling","action":"refuse","place":"c.toml:19","truth":"true","conditions":[{"path":"when.any_of[0].reason.any","truth":"true","words":"contains 博彩","found":[{"keyword":"博彩","start":0,"end":6}]},{"path":"when.any_of[1].nickname.any","truth":"false","words":"contains none of 5 keywords"}]},{"rule":"quick money","action":"refuse","place":"c.toml:25","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 日结","found":[{"keyword":"日结","start":21,"end":27}]}]},{"rule":"medicine is checked by hand","action":"hold","place":"c.toml:42","truth":"true","conditions":[{"path":"when.category.any","truth":"true","words":"医疗服务/就医服务 matches 医疗服务"}]}]}','http://wx.qlogo.cn/mmhead/0ce84a8900000003/0','http://wx.qlogo.cn/mmopen/wxacode/0ce84a8900000003/0',X'e466fd6f9b14e9792a3312311e16f6d8',X'cbbce57f09cb032b23ba9b7288ff0127967cf9c8422fca25456f9276785cd82f');
INSERT INTO words VALUES(17,'百川养车','测试','申请说明过短，请写明「百川养车」将如何使用本插件后重新申请。','{"sentence":"refuse: rule \"says too little\" (c.toml:31): reason has 2 characters, at most 4","rules":[{"rule":"says too little","action":"refuse","place":"c.toml:31","truth":"true","conditions":[{"path":"when.reason.max_chars","truth":"true","words":"has 2 characters, at most 4"}]}]}','http://wx.qlogo.cn/mmhead/df00724500000001/0','http://wx.qlogo.cn/mmopen/wxacode/df00724500000001/0',X'62d26ccf0e714a904d704bf610bb4b77',X'66138e666b16833a794e5da4d67bd27782c90c9391ec5fc999d2e43155edfbe4');
INSERT INTO words VALUES(18,'福利社956','刷单返利，高佣金','申请说明含有「刷单」，请说明真实用途后重新申请。','{"sentence":"refuse: rule \"quick money\" (c.toml:25): reason contains 刷单, 返利","rules":[{"rule":"quick money","action":"refuse","place":"c.toml:25","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 刷单, 返利","found":[{"keyword":"刷单","start":0,"end":6},{"keyword":"返利","start":6,"end":12}]}]},{"rule":"known trades","action":"agree","place":"c.toml:47","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"教育服务/在线视频课程 matches 教育服务"},{"path":"when.reason.min_chars","truth":"true","words":"has 8 characters, at least 5"}]}]}','http://wx.qlogo.cn/mmhead/a9587e7f00000009/0','http://wx.qlogo.cn/mmopen/wxacode/a9587e7f00000009/0',X'301ba856efe3169fc805c74b4175f934',X'd499a2129494d2319911c571c4f609cd0ef4d1bb12c3865429561d7db3fcdcb0');
INSERT INTO words VALUES(19,'红包群212','投资理财，月息三分','申请说明含有「理财」，请说明真实用途后重新申请。','{"sentence":"refuse: rule \"quick money\" (c.toml:25): reason contains 理财; shadow rule \"legacy category names\" would agree","rules":[{"rule":"quick money","action":"refuse","place":"c.toml:25","truth":"true","conditions":[{"path":"when.reason.any","truth":"true","words":"contains 理财","found":[{"keyword":"理财","start":6,"end":12}]}]},{"rule":"legacy category names","action":"agree","shadow":true,"place":"c.toml:52","truth":"true","conditions":[{"path":"when.category.all","truth":"true","words":"教育/教育信息服务 matches 教育, 旅游/旅游攻略 matches 旅游"}]}]}','http://wx.qlogo.cn/mmhead/623fd90f00000004/0','http://wx.qlogo.cn/mmopen/wxacode/623fd90f00000004/0',X'f979ba17a123d6d4f251c732c041942a',X'94b6a7f7bc72ee314827e9848781fa987ae0c2fa62a7a577f4e0476c26134a6b');
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
INSERT INTO calls VALUES(1,11,1,'agree',1795325347895,2,'lost',NULL,NULL,'the connection to WeChat broke: connection closed before message completed',NULL);
INSERT INTO calls VALUES(2,14,1,'agree',1795325347932,2,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(3,13,1,'agree',1795325347930,4,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(4,12,1,'agree',1795325347930,6,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(5,15,1,'refuse',1795325348448,2,'lost',200,-1,'system error rid: 6b027da4-6d579b45-b8012c25','6b027da4-6d579b45-b8012c25');
INSERT INTO calls VALUES(6,16,1,'refuse',1795325350035,4,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(7,17,1,'refuse',1795325350191,3,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(8,18,1,'refuse',1795325350192,6,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(9,19,1,'refuse',1795325350193,6,'accepted',200,0,'ok',NULL);
INSERT INTO calls VALUES(10,15,2,'refuse',1795325350350,5,'accepted',200,0,'ok',NULL);
CREATE TABLE settlements (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    decision_id INTEGER NOT NULL REFERENCES decisions (id),
    at          INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('planned', 'done', 'overtaken', 'held', 'shadow', 'failed')),
    attempt     INTEGER NOT NULL,                           -- 0 where nothing is to be sent
    note        TEXT
) STRICT;
INSERT INTO settlements VALUES(1,1,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(2,2,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(3,3,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(4,4,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(5,5,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(6,6,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(7,7,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(8,8,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(9,9,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(10,10,1795325347827,'held',0,NULL);
INSERT INTO settlements VALUES(11,11,1795325347827,'planned',1,NULL);
INSERT INTO settlements VALUES(12,11,1795325347909,'done',1,'settled by reading the list again');
INSERT INTO settlements VALUES(13,12,1795325347827,'planned',1,NULL);
INSERT INTO settlements VALUES(14,13,1795325347827,'planned',1,NULL);
INSERT INTO settlements VALUES(15,14,1795325347827,'planned',1,NULL);
INSERT INTO settlements VALUES(16,14,1795325347934,'done',1,NULL);
INSERT INTO settlements VALUES(17,13,1795325347935,'done',1,NULL);
INSERT INTO settlements VALUES(18,12,1795325347936,'done',1,NULL);
INSERT INTO settlements VALUES(19,15,1795325348363,'planned',1,NULL);
INSERT INTO settlements VALUES(20,15,1795325350004,'failed',1,'settled by reading the list again');
INSERT INTO settlements VALUES(21,16,1795325348363,'planned',1,NULL);
INSERT INTO settlements VALUES(22,16,1795325350039,'done',1,NULL);
INSERT INTO settlements VALUES(23,17,1795325348363,'planned',1,NULL);
INSERT INTO settlements VALUES(24,18,1795325348363,'planned',1,NULL);
INSERT INTO settlements VALUES(25,19,1795325348363,'planned',1,NULL);
INSERT INTO settlements VALUES(26,17,1795325350194,'done',1,NULL);
INSERT INTO settlements VALUES(27,18,1795325350199,'done',1,NULL);
INSERT INTO settlements VALUES(28,19,1795325350200,'done',1,NULL);
INSERT INTO settlements VALUES(29,15,1795325350343,'planned',2,NULL);
INSERT INTO settlements VALUES(30,15,1795325350356,'done',2,NULL);
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
INSERT INTO standing VALUES(1,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(2,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(3,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(4,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(5,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(6,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(7,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(8,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(9,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(10,1795325347827,'held',0,0,NULL,NULL,1795325347827);
INSERT INTO standing VALUES(11,1795325347827,'done',1,1,NULL,'the connection to WeChat broke: connection closed before message completed',1795325347909);
INSERT INTO standing VALUES(12,1795325347827,'done',1,1,0,'ok',1795325347936);
INSERT INTO standing VALUES(13,1795325347827,'done',1,1,0,'ok',1795325347935);
INSERT INTO standing VALUES(14,1795325347827,'done',1,1,0,'ok',1795325347934);
INSERT INTO standing VALUES(15,1795325348363,'done',2,2,0,'ok',1795325350356);
INSERT INTO standing VALUES(16,1795325348363,'done',1,1,0,'ok',1795325350039);
INSERT INTO standing VALUES(17,1795325348363,'done',1,1,0,'ok',1795325350194);
INSERT INTO standing VALUES(18,1795325348363,'done',1,1,0,'ok',1795325350199);
INSERT INTO standing VALUES(19,1795325348363,'done',1,1,0,'ok',1795325350200);
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
INSERT INTO brakes VALUES(1,1795325347736,'set',NULL,'pause',NULL,NULL,'refuse','rules under review','cli:ann');
INSERT INTO brakes VALUES(2,1795325348086,'lifted',1,'pause',NULL,NULL,'refuse','read again','cli:ann');
INSERT INTO brakes VALUES(3,1795325350411,'set',NULL,'pause','wx5a4d424f58000001',NULL,NULL,'for the night','cli:ann');
CREATE TABLE IF NOT EXISTS "rulesets" (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hash          TEXT NOT NULL UNIQUE,
    engine        TEXT NOT NULL,                            -- version of folding and rules that gave the hash
    spec          TEXT NOT NULL CHECK (json_valid(spec)),
    first_used_at INTEGER NOT NULL
) STRICT;
INSERT INTO rulesets VALUES(1,'d25acbf40fdbd500ec22222c0a25ba09d766ac684339c856107be7a82f8c6018','1','{"rules":[{"name":"gambling","action":"refuse","message":"申请说明含有「{keyword}」，本插件不对该类业务开放。","when":[{"any_of":[[{"reason":{"any":["博彩","赌博","网赌","棋牌","彩票"]}}],[{"nickname":{"any":["博彩","赌博","网赌","棋牌","彩票"]}}]]}]},{"name":"quick money","action":"refuse","message":"申请说明含有「{keyword}」，请说明真实用途后重新申请。","when":[{"reason":{"any":["刷单","返利","贷款","套现","日结","领红包","理财"]}}]},{"name":"says too little","action":"refuse","message":"申请说明过短，请写明「{nickname}」将如何使用本插件后重新申请。","when":[{"reason":{"max_chars":4}}]},{"name":"contact details","action":"hold","when":[{"reason":{"any":["微信","QQ","vx","电话","call"]}}]},{"name":"medicine is checked by hand","action":"hold","when":[{"category":{"any":["医疗服务","医疗"]}}]},{"name":"known trades","action":"agree","when":[{"category":{"all":["物流服务","商家自营/*","餐饮服务","教育服务","旅游服务","生活服务","工具"]}},{"reason":{"min_chars":5}}]},{"name":"legacy category names","action":"agree","mode":"shadow","when":[{"category":{"all":["餐饮","教育","旅游","IT科技"]}}]}],"default":"hold","message_max_chars":200}',1795325347827);
CREATE TABLE IF NOT EXISTS "proofs" (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    account_appid TEXT NOT NULL,
    base_url      TEXT NOT NULL,
    action        TEXT NOT NULL CHECK (action IN ('agree', 'refuse', 'delete')),
    decision_id   INTEGER NOT NULL REFERENCES decisions (id),
    at            INTEGER NOT NULL,
    UNIQUE (account_appid, base_url, action)
) STRICT;
INSERT INTO proofs VALUES(1,'wx5a4d424f58000001','http://127.0.0.1:18791','agree',11,1795325347912);
INSERT INTO proofs VALUES(2,'wx5a4d424f58000001','http://127.0.0.1:18791','refuse',16,1795325350073);
CREATE TABLE redactions (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    who    TEXT NOT NULL,
    before INTEGER NOT NULL
) STRICT;
INSERT INTO redactions VALUES(1,1795325348282,'cli:ann',1795325348159);
CREATE TABLE chain (
    sequence INTEGER PRIMARY KEY,                           -- 1, 2, 3 …
    kind     TEXT NOT NULL,                                 -- the table of the record
    record   INTEGER NOT NULL,                              -- its id
    content  BLOB NOT NULL CHECK (length(content) = 32),    -- SHA-256 over its columns
    hash     BLOB NOT NULL CHECK (length(hash) = 32)        -- SHA-256 over the entry before, and this one
) STRICT;
INSERT INTO chain VALUES(1,'brakes',1,X'd6234189d7b805284357c627daa56680c9f7686d8c1bf70c239b878a2e1ce623',X'584fb96cc476ab98dc50d04a883946506ad70c1880880b175d508c8789597ee9');
INSERT INTO chain VALUES(2,'rulesets',1,X'efe96335b3211ddd80c9b1caeca5a9f0504486048fe689fb3b990312886d43e4',X'7955243f68b2605b5a2224cf49804a92f013186307aa16e1f24e8c301cfe12b7');
INSERT INTO chain VALUES(3,'decisions',1,X'c12fceb727d2f58cce95836bd4a1b319cfd2d9a0538ee37a5c0d9ce143da32b5',X'1116225f1b5632c0aeac421d33f6552d83afa661b7bb16549fa3428d19091949');
INSERT INTO chain VALUES(4,'decisions',2,X'48820d8fba89b1d3fbdbb06594afc326629a719527a5ae2378bffd84a523c2ec',X'4d029d8f6cef6e6e533b1674105d57ff8899e1757bbd3c35cafb66557edca9e4');
INSERT INTO chain VALUES(5,'decisions',3,X'20224a15799627c2f57577d85959c2d29977479a1a75c3798bfc4f43c760b944',X'088a8b9efa6848dc022230701fb943e708b2fefc791bd13e0de2b00e55e8610a');
INSERT INTO chain VALUES(6,'decisions',4,X'42d46d2c951b83e4b106520fe506730bab034298ff031eeb057be95c5bf40107',X'ae5a5bcc9793e7d1984e0acd50346f43d3280af3c641e7ad8118c050690994b6');
INSERT INTO chain VALUES(7,'decisions',5,X'fad454aab62fdf39c1846ab406c1e31143a4cdcbb8cf214f033aa49b4a8b95db',X'3df9decce8ecebae81f1a9ce3c78e4efea2900f2d14f8190410a1a7844df3934');
INSERT INTO chain VALUES(8,'decisions',6,X'2c76a7677feadc8327b0e3685be1499aca6112bb57d0f75c307ea5371a4769ee',X'f29a25e9bf479c4b8d3c83f7858fb7e52515348f65045536806ee9d80ac7f606');
INSERT INTO chain VALUES(9,'decisions',7,X'1b2b15b6c64663edd117061be3a0cd9d67332bff0c4e28f85c71e460a09e2750',X'e373f142acdb12d0acf2081230ff326c1dc1b8e760d79e369556cbde7ef7c43e');
INSERT INTO chain VALUES(10,'decisions',8,X'7f900026d81edc458633d09241db6dc84a07ec5301fa197d793c4078afa8abd3',X'35fb803a24ffa831a1556a06a0bb726d8c0a85097b46c61bfc2e0177463eb15a');
INSERT INTO chain VALUES(11,'decisions',9,X'35133b7e9c606024cc26f8b4363cbad50b66ab8b0e6f38460efdcc77c1e85d75',X'7c9e384c054710fe9c9d103d1ba44ac3a53efef01454981ba101ae918f4dbb80');
INSERT INTO chain VALUES(12,'decisions',10,X'860a2cfdf9bff09860ef31f994854d259fc869565ca09789b5c3206db50ce5d7',X'3ca4f11b242707f60c7707012b0893b06e37da9b876cfed41cdb499c2ffd89e0');
INSERT INTO chain VALUES(13,'settlements',1,X'2761985083e4c3842e1c859cfc70732d963156646ee600f31b3e9a0803cb4785',X'5fec7b510b4c3d222962ce92223c4ba11c6e7a4e41289779a45ce8847d04117c');
INSERT INTO chain VALUES(14,'settlements',2,X'9692fee011952aa25d0adb440c952a3a4c005d5e6cf1f947004dd257c4677d19',X'd9bb7ddbb6588781d92b42ab341ae7bcc07e56e29ba23837461f19d35d012ee6');
INSERT INTO chain VALUES(15,'settlements',3,X'eff6c52eb168a921a6439afa5fcae6d16b94c172691c761eae8f3fd65e722317',X'892a5808ee058fc4426239a46b48568f7eb1ce72cfebadf928803f0e838d004e');
INSERT INTO chain VALUES(16,'settlements',4,X'51247965338423a887ae513754ef1558c75099bef0e2c5068a47042e845ae0bd',X'5c09d38f1dcc2b6d5cd9cf928aaa5264e86feb9a13819a65fbcae08f46ae99d5');
INSERT INTO chain VALUES(17,'settlements',5,X'd58e998a9051750140a8de210c793ed95a78c1f21927711df50bdd0a7e7631f4',X'27b3ea52e6c5b851ac5b4e9e92b19f1fdd83cd8e1e522808374ba292989f9913');
INSERT INTO chain VALUES(18,'settlements',6,X'3bee12146395607554698db2fb938bf819b36189e7ebe3bf36e61ab054df9995',X'ffe168122a4e0e05c75c5cb2e3474085e0ffb405ed69d05b2ac6ac34125b2315');
INSERT INTO chain VALUES(19,'settlements',7,X'0b456156a7b4df2bc11ff353344bbf0ae40814366ee51943f2ad6508933c867e',X'2528a500e591efc0fdf5abb97fdba55d9fbf7c011eb4ce597420e8aea16724fe');
INSERT INTO chain VALUES(20,'settlements',8,X'2c9c6708d43d4f2e07b908caa22798174bab8e27c880a42810ad199ec7327a11',X'1c99299fd43b8f1e43725e005c686074e8f47d713f306263c8f94221804102fd');
INSERT INTO chain VALUES(21,'settlements',9,X'71383c4f4e3379409c33ebcdb77fbe620788e8fb9056938f73af54697d0d03b4',X'b102f7ef0a11d293b778667b6233e9761fdfe832bd10e1aa40ae59e51fdaa27c');
INSERT INTO chain VALUES(22,'settlements',10,X'c24cf91730ca092a8bf5e1db0217918582fc51bc2e00d98f773f8f665f9da3a1',X'7e02b5bba9e7d87eb23f2f3bd5d83a4897e661a418491dc6b0591b6905a75426');
INSERT INTO chain VALUES(23,'decisions',11,X'd4f2ac81f0a70f098b0a60b76404518c09b0b740157b4cfbab2254c32efcd890',X'd33e1ecea0a2757877c47feaa996bc058ade732ac3bf48c1b9b1044ec0e7a0c5');
INSERT INTO chain VALUES(24,'settlements',11,X'70bf71239909ba0459f5f41a0ff9d56d679e7ed1a9cb1600e26201c4f5b7e38b',X'0931983ed72bff75edbe92a6936525daa777c58945a727dc983547ed7f08d98f');
INSERT INTO chain VALUES(25,'calls',1,X'1d7402c0bfab6070353fb30b755adccaa171f3fcf5114f4cea174c9da8725639',X'9ec79cf47bf695ef84aeb5685e5a92932c061c2ee72377ca613501596c8580ad');
INSERT INTO chain VALUES(26,'settlements',12,X'e19fe77538d40ba12ffd7b3407b47cd1423bfc28b6dc21e7d42b0e460be7d92d',X'd963660495ba01ce4adf95a93b921776daf624ef65e3ed0800895e0e5bdd4e9a');
INSERT INTO chain VALUES(27,'proofs',1,X'fba22a752e58d2d00f9aaf494068c012111aa1f920fae8610c5a3c4962b2bbbd',X'654c8ceb5001d39cacba9f143a7818d42cbfd94beea58ac8a3486d640f283831');
INSERT INTO chain VALUES(28,'decisions',12,X'8df1e501fa5ad257728dd56553ca86bb49cc7a3857e7dfb41fdc501bc146e005',X'd7ec5ab3b290dad6329830a395d8e430875008d7b6b38978a87cfa476ae0b86c');
INSERT INTO chain VALUES(29,'decisions',13,X'402d7babad9d29c84bb4d5856c054635cc6c92eee573f798a16ccbf13d6f79eb',X'1ab0e4ac93a492e6c6d7ba8d1871f201a4061db01934717ddc038a3a1fcb6541');
INSERT INTO chain VALUES(30,'decisions',14,X'e5eade10c0cab5445c27924b095904070a0bab1b14cf84648cde2d16bb4fc802',X'b53dd540d4d8cee7c30b23461f37b530c9083ad2cbdd777dba886dd125a10d52');
INSERT INTO chain VALUES(31,'settlements',13,X'4aaebb39ffc0254968d078f7f51947cb71a31e7e3d619ce6d91fe55b652f80d6',X'cf79084a8a3f3be9b2bce11d5268daa0c5e86bf83c034e8be3caa50b4c976c51');
INSERT INTO chain VALUES(32,'settlements',14,X'728a8d7bb1e8e99d41479f5ce5e69315d8e9f917d6c19a11f1d32048a24f8d03',X'5c91d68e669ba239f8735e6bff267a844d053fd826f32d99ec605428adf717f1');
INSERT INTO chain VALUES(33,'settlements',15,X'f36eb9bbce4716c5867a817a826c5a499869c63644a87b41cddaa4323f0af1a2',X'fdbf76138d4cb595cc97e58e0074445f1f4d77cd873ef2eb7e0188270e2494a9');
INSERT INTO chain VALUES(34,'calls',2,X'94e10e482e935d3b48d26aa5253e44726743cd86fee73b7b28901bb53854b6ca',X'284b8352454917797b2b44e7f165f63b8697736c4fe5dd2d3832417bbf760dc4');
INSERT INTO chain VALUES(35,'calls',3,X'e5d57c4318a98f70b288379bef7bdced975edab92d5d5e399eaaacd9c5996083',X'dd41b278205255b0be13d4e6baddcdd44eee36587c369b7bdb533ccf6284309f');
INSERT INTO chain VALUES(36,'settlements',16,X'6b164c2d7013e85d1e4ae0073e226fd53b0d4e31d278ef2f340491d18c0ced5a',X'd5e1b86536c02be661b0a8e5da9adb6144c6a54d8976e3b4bedaf107e3650481');
INSERT INTO chain VALUES(37,'settlements',17,X'baf16329d5c858efadc8673b8fffed000ef5a10f7d6b59a483ffdf3c7a749207',X'2ad1f945d2a6b1d613a6053e926f77b9519d5d8f1a9bb4c3534f474b1968b126');
INSERT INTO chain VALUES(38,'calls',4,X'f351738dac7cd0d2cb369967def6a8c736b54a636ec690af97dfe660104f2ea1',X'7d07052e53e2309d876150c011cb6d0e24c55a440929007a53d842f679f71fa5');
INSERT INTO chain VALUES(39,'settlements',18,X'44f63876087eac7d9cff592fc4dc55b277946b42e180fe4d43b229bdf716b0fd',X'5dee63d4707543ac3c0592c305e1b4ee3dabeebd3f301d91849ff145579a0ee9');
INSERT INTO chain VALUES(40,'brakes',2,X'1499cd8f34e30434c4861710d65c6a26ab6469a8682a16f5ef671ad814e34804',X'25e49599aceff745bbcbb092f7b97c1b7371c7ad60dd1d048d052535894f6683');
INSERT INTO chain VALUES(41,'redactions',1,X'be9b94a1756454c6415120e95554ea9c1dd73e672e4887739af5df7f1c1c21ed',X'349e04488707feac1508cfcf40ee4ef4fe7adb88d69c2b902aa3b852175b6fd4');
INSERT INTO chain VALUES(42,'decisions',15,X'4e8139f1796db4d31fac5b28b268da532629ef606b5d4468e2c5fd134ee75a4e',X'dd3256b2b42231029e31508fdf25ec5e369c10cfb6b89d5ca9cde4f069565f85');
INSERT INTO chain VALUES(43,'settlements',19,X'77266368ca32cd202067b5f2cc36a4f35da37589a031fd4bbd3f3aff38add5b5',X'9abea8769c2adc94151f7be89ced1f9003d7b92efb70db081964f65e9ff74f4b');
INSERT INTO chain VALUES(44,'calls',5,X'df787cc3e4f346f63eb82e625ee6a9065beaeb458d0a977399c071dffd1464b6',X'd78a05deec0422f0811587d16d08c7339f8197c4e85d1576cb899edd27358110');
INSERT INTO chain VALUES(45,'settlements',20,X'f4194b364b387501df93a7cc532ea22053c293701bdf1cba05ede9b5f38d71c4',X'7131e03a67847e02acb7efe6f383f5909a014c8a9cf73c312fdec06cce996ad5');
INSERT INTO chain VALUES(46,'decisions',16,X'95d440cf11136c3b5c8aacec3af2c5f2c16cd398ed1673eb1c77535bbe6e65a5',X'19d6b99d9392e8c6c7bec6cde32701ca31e39608d8d433e6dddb87d87a43e068');
INSERT INTO chain VALUES(47,'settlements',21,X'20d41ee55eec640f6a7f92863a71e89ae748fdf0eaeff5fcd8036fe827f8edde',X'28a3886b3ad8d077c4aad8f1dea0ba1cb9523ec7b0f09d5149c76f8ab0d89052');
INSERT INTO chain VALUES(48,'calls',6,X'2500a43203c8d49a840ed404fad3032c136309afd78ae3ea0a320e23a0eadc70',X'99541b37f3b6da287ee7c268416e358e0c2816c2ca60dac244a8cf1794ebbbbb');
INSERT INTO chain VALUES(49,'settlements',22,X'c90c9da0910456365614a53ec33d7e646f8dba7535195d8015f74502234f9125',X'0fd34ac503a8d6fd84fff5130dd125cbc2031eb23aa9c1524cc3b40fa87e2c17');
INSERT INTO chain VALUES(50,'proofs',2,X'8ee940670928f26ea16806a2f906dd10d73d5e4c0d6c6b086345d44fcc06b79d',X'15e7fe071d49207cfecbb6e2b910dbdb409e67038d17aa6e989e63882e5dc181');
INSERT INTO chain VALUES(51,'decisions',17,X'c8297236691e802ace384c2dd46602a2c044823fea4091b223efdbf75749df5c',X'c787e1f4900227fe69e82f83379bfe2120eec77dcc871418cb3d45c9907dfe3b');
INSERT INTO chain VALUES(52,'decisions',18,X'5a97654cc50b2c603a9a6914196937ef08a67cb7935701dc369d4eb8be51799c',X'4fed7d2dac5a97f5815b91e7c1b7fd89f60e7d5f34dc901d74a3b801c9c78f55');
INSERT INTO chain VALUES(53,'decisions',19,X'e64a539d4ba659777f6272c2b4a03ed573b74d0486d55c6ca17b6ad87894ee8a',X'b915c5bcf85aeb28d837939f19a6a193286138677dc051788925485dc03e7ec3');
INSERT INTO chain VALUES(54,'settlements',23,X'2c9b2f93e0516819eb86810ecf2ef0c329d0e4456d0645bcb395be8fe0023b66',X'd4c03015873c65201108837ea2411e32a13bbc642a72e3f445ed85b1f1972b75');
INSERT INTO chain VALUES(55,'settlements',24,X'a0d37fea1edcfd8e2be964c51b0756c99e3e61617fbef37514c212801286b710',X'ec05b1ab10c1806116e575e956263220bb48c84f1c0b6ddc5c4f53ccec5b4172');
INSERT INTO chain VALUES(56,'settlements',25,X'2c89051848f1634d4d8b5329ee700546aef4b1089e3dbad58a7f7985fa2b0888',X'4481ee5a78686cde60999e8d6e36f95cea22f0a18ba118bf7561bfa27c2680c5');
INSERT INTO chain VALUES(57,'calls',7,X'e5885fca5591b86f1fcd3540d062cce37c19265f5f63331cbee2aae543e5d326',X'f25c286c13edeb4d0300776439a80f851205e0dce17d07753e8a8be51d6d6bbd');
INSERT INTO chain VALUES(58,'settlements',26,X'45b7f2849230413de9565d6d71b1943d92dbd84dcfd7acabd1db72b36e5c5848',X'cee662be51892a3eb333c0f091f376bbbfa275585200ca1a4a9b41c9adf9ff9a');
INSERT INTO chain VALUES(59,'calls',8,X'b54b311e4d90c1e30bdb71ba87f8d0cd05329a487d5c1b6a76c5ca99343f2e29',X'a6a667ab2bcea218e78495506736bdecec7b51f839d3e9e16c0aecf47f32a72b');
INSERT INTO chain VALUES(60,'calls',9,X'1dbfd089b527e2f4d6ca4b57940ca52115af088777ca499160c3bd6ffc882f52',X'440f04bfb58dfa56de68d55dba381fee18cf858b5576071476a1305ee5125dfb');
INSERT INTO chain VALUES(61,'settlements',27,X'68ef492c767250f24b89d17fca4a33dffffc7881800333e58a030a0605652082',X'5384e793ebcdbd584edf3fd2feb864fa736b40ca48b4d9956502355cc3ade574');
INSERT INTO chain VALUES(62,'settlements',28,X'665a179186710849283f5329fa73e9bbd6f80205cebe5d780236a869ee1fea66',X'd09684ff5c2190cb8f916f6d2815ec8045a2570cf8fcda31e188d7bdc6d751c8');
INSERT INTO chain VALUES(63,'settlements',29,X'd9fb2cb11a43bba322680719f9e8c1c09bfab2cffb775e5c7a01f14f3588b2aa',X'03fb8640cb77aa75033ec6a9f3e39101b5d9550530fe36fe2a344b9f8f79d18f');
INSERT INTO chain VALUES(64,'calls',10,X'54d3a68ec2477e11d2bb799d0100d5c6b8c2db1d1c549eda1454baf3e0d8ce79',X'21100a6cc844b5ab896293e4d0f31e576f1e45d8685335defd3d5bdab38d7fda');
INSERT INTO chain VALUES(65,'settlements',30,X'e08e66051fd7da68c8f72199063a942337e21b92b9082530a50d983811d9d8e8',X'bbde5cbb4e45ba18990921a83ba7ab530d704a9c1bdf3a52c70ee56bfaeb34ee');
INSERT INTO chain VALUES(66,'brakes',3,X'7d1ece975d881fce5738b32f0cb3934ed3a389627435dac4e60ff5e845ab0c41',X'6ab9f4cef667cc3ec6b895269cc62b7ccff8ee8b40f7b349e5d404b29d76922b');
CREATE TABLE IF NOT EXISTS "allowance" (
    decision_id   INTEGER PRIMARY KEY REFERENCES decisions (id),
    account_appid TEXT NOT NULL,
    action        TEXT NOT NULL,
    at            INTEGER NOT NULL,                         -- when it was taken
    rule          TEXT                                      -- the rule that is counted; NULL = none
) STRICT;
INSERT INTO allowance VALUES(11,'wx5a4d424f58000001','agree',1795325347827,'known trades');
INSERT INTO allowance VALUES(12,'wx5a4d424f58000001','agree',1795325347827,'known trades');
INSERT INTO allowance VALUES(13,'wx5a4d424f58000001','agree',1795325347827,'known trades');
INSERT INTO allowance VALUES(14,'wx5a4d424f58000001','agree',1795325347827,'known trades');
INSERT INTO allowance VALUES(15,'wx5a4d424f58000001','refuse',1795325348363,'gambling');
INSERT INTO allowance VALUES(16,'wx5a4d424f58000001','refuse',1795325348363,'gambling');
INSERT INTO allowance VALUES(17,'wx5a4d424f58000001','refuse',1795325348363,'says too little');
INSERT INTO allowance VALUES(18,'wx5a4d424f58000001','refuse',1795325348363,'quick money');
INSERT INTO allowance VALUES(19,'wx5a4d424f58000001','refuse',1795325348363,'quick money');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('rulesets',1);
INSERT INTO sqlite_sequence VALUES('proofs',2);
INSERT INTO sqlite_sequence VALUES('brakes',3);
INSERT INTO sqlite_sequence VALUES('decisions',19);
INSERT INTO sqlite_sequence VALUES('settlements',30);
INSERT INTO sqlite_sequence VALUES('calls',10);
INSERT INTO sqlite_sequence VALUES('redactions',1);
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
CREATE TRIGGER proofs_keep   BEFORE UPDATE ON proofs   BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER proofs_stay   BEFORE DELETE ON proofs   BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER proofs_once   BEFORE INSERT ON proofs   WHEN EXISTS (SELECT 1 FROM proofs WHERE id = NEW.id OR (account_appid, base_url, action) = (NEW.account_appid, NEW.base_url, NEW.action))
                                                       BEGIN SELECT RAISE(ABORT, 'proofs is append-only'); END;
CREATE TRIGGER rulesets_keep BEFORE UPDATE ON rulesets BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;
CREATE TRIGGER rulesets_stay BEFORE DELETE ON rulesets BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;
CREATE TRIGGER rulesets_once BEFORE INSERT ON rulesets WHEN EXISTS (SELECT 1 FROM rulesets WHERE id = NEW.id OR hash = NEW.hash)
                                                       BEGIN SELECT RAISE(ABORT, 'rulesets is append-only'); END;
CREATE TRIGGER brakes_once   BEFORE INSERT ON brakes   WHEN EXISTS (SELECT 1 FROM brakes WHERE id = NEW.id OR lifts = NEW.lifts)
                                                       BEGIN SELECT RAISE(ABORT, 'brakes is append-only'); END;
CREATE TRIGGER redactions_keep BEFORE UPDATE ON redactions BEGIN SELECT RAISE(ABORT, 'redactions is append-only'); END;
CREATE TRIGGER redactions_stay BEFORE DELETE ON redactions BEGIN SELECT RAISE(ABORT, 'redactions is append-only'); END;
CREATE TRIGGER redactions_once BEFORE INSERT ON redactions WHEN EXISTS (SELECT 1 FROM redactions WHERE id = NEW.id)
                                                           BEGIN SELECT RAISE(ABORT, 'redactions is append-only'); END;
CREATE TRIGGER chain_keep    BEFORE UPDATE ON chain BEGIN SELECT RAISE(ABORT, 'chain is append-only'); END;
CREATE TRIGGER chain_stay    BEFORE DELETE ON chain BEGIN SELECT RAISE(ABORT, 'chain is append-only'); END;
CREATE TRIGGER chain_follows BEFORE INSERT ON chain WHEN NEW.sequence <> (SELECT ifnull(max(sequence), 0) + 1 FROM chain)
                             BEGIN SELECT RAISE(ABORT, 'chain is append-only'); END;
CREATE TRIGGER words_stay BEFORE DELETE ON words BEGIN SELECT RAISE(ABORT, 'words may be erased, but their row stays'); END;
CREATE TRIGGER words_once BEFORE INSERT ON words WHEN EXISTS (SELECT 1 FROM words WHERE decision_id = NEW.decision_id)
                          BEGIN SELECT RAISE(ABORT, 'words is not written twice'); END;
CREATE TRIGGER words_keep BEFORE UPDATE ON words
WHEN NEW.decision_id IS NOT OLD.decision_id
  OR NOT (OLD.seal IS NULL AND (NEW.nickname, NEW.reason, NEW.message, NEW.why, NEW.headimgurl, NEW.apply_url)
          IS (OLD.nickname, OLD.reason, OLD.message, OLD.why, OLD.headimgurl, OLD.apply_url))
 AND NOT (NEW.seal IS OLD.seal AND coalesce(NEW.nickname, NEW.reason, NEW.message, NEW.why, NEW.headimgurl, NEW.apply_url, NEW.salt) IS NULL)
BEGIN SELECT RAISE(ABORT, 'words may be erased with their salt, and not be changed'); END;
CREATE INDEX allowance_by_action ON allowance (account_appid, action, at);
CREATE INDEX allowance_by_rule   ON allowance (account_appid, rule, at) WHERE rule IS NOT NULL;
CREATE TRIGGER allowance_stays BEFORE UPDATE ON allowance BEGIN SELECT RAISE(ABORT, 'a place in a limit is taken or given back, not changed'); END;
-- What this mini program asked of plugins it uses (`menshen api apply`, `unbind`, `update`): recorded before it is sent,
-- and what WeChat answered after it. Query it with: SELECT * FROM plugin_use_log ORDER BY id DESC LIMIT 20;

PRAGMA user_version = 4;

-- Record: one row before a call, and one when it was answered. No answer means that nobody knows what became of it.
CREATE TABLE plugin_uses (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    at            INTEGER NOT NULL,                         -- when it was asked for, or answered
    event         TEXT NOT NULL CHECK (event IN ('asked', 'answered')),
    answers       INTEGER REFERENCES plugin_uses (id),      -- the row that asked

    account       TEXT,                                     -- our name for it
    account_appid TEXT,                                     -- WeChat's
    base_url      TEXT,                                     -- which WeChat
    action        TEXT CHECK (action IN ('apply', 'unbind', 'update')),
    plugin_appid  TEXT,
    reason        TEXT,                                     -- our own words to the plugin's owner
    user_version  TEXT,
    who           TEXT,                                     -- cli:USER

    took_ms       INTEGER,
    fate          TEXT CHECK (fate IN ('accepted', 'rejected', 'lost', 'unsent')),
    http_status   INTEGER,
    errcode       INTEGER,
    errmsg        TEXT,
    rid           TEXT,

    CHECK (event <> 'asked' OR (answers IS NULL AND fate IS NULL AND account IS NOT NULL AND account_appid IS NOT NULL
           AND base_url IS NOT NULL AND action IS NOT NULL AND plugin_appid IS NOT NULL AND who IS NOT NULL)),
    CHECK (event <> 'answered' OR (answers IS NOT NULL AND fate IS NOT NULL AND took_ms IS NOT NULL AND action IS NULL))
) STRICT;

CREATE UNIQUE INDEX plugin_uses_answered_once ON plugin_uses (answers) WHERE answers IS NOT NULL;

CREATE TRIGGER plugin_uses_keep BEFORE UPDATE ON plugin_uses BEGIN SELECT RAISE(ABORT, 'plugin_uses is append-only'); END;
CREATE TRIGGER plugin_uses_stay BEFORE DELETE ON plugin_uses BEGIN SELECT RAISE(ABORT, 'plugin_uses is append-only'); END;
CREATE TRIGGER plugin_uses_once BEFORE INSERT ON plugin_uses WHEN EXISTS (SELECT 1 FROM plugin_uses WHERE id = NEW.id OR answers = NEW.answers)
                                BEGIN SELECT RAISE(ABORT, 'plugin_uses is append-only'); END;

-- One row for each, with what became of it.
CREATE VIEW plugin_use_log AS
SELECT q.id,
       strftime('%Y-%m-%dT%H:%M:%fZ', q.at / 1000.0, 'unixepoch') AS asked_at,
       q.account, q.plugin_appid, q.action, q.reason, q.user_version, q.who AS actor,
       CASE a.fate WHEN 'accepted' THEN 'done' WHEN 'rejected' THEN 'failed' WHEN 'unsent' THEN 'failed' ELSE 'unknown' END AS outcome,
       a.errcode, a.errmsg, a.rid,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.at / 1000.0, 'unixepoch') AS answered_at
  FROM plugin_uses q LEFT JOIN plugin_uses a ON a.answers = q.id
 WHERE q.event = 'asked';
COMMIT;
PRAGMA application_id = 1835363955;
PRAGMA user_version = 4;
