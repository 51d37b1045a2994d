"""The words and sentence patterns of the benchmark's invented news, Chinese and English.

Everything here was written for this project. `{n}` and the like are places that `benchmarks.corpus` fills; the order of
a list is nothing, as each article ranks the words anew.
"""

ZH = {
    "noun": """水库 桥梁 果园 车站 码头 学校 医院 图书馆 博物馆 工厂 仓库 市场 公园 河道 堤坝 渔船 茶叶 稻田 棉花 苹果 橘子 蜂蜜 蘑菇
        路灯 电梯 管道 阀门 发动机 轴承 光缆 芯片 软件 机器人 无人机 卫星 望远镜 显微镜 疫苗 药材 血压 视力 护士 教师 学生 家长 志愿者
        老人 游客 司机 工人 农户 渔民 牧民 消防员 工程师 会计 律师 记者 摄影师 歌手 演员 画家 诗人 球员 教练 裁判 合唱团 乐队 剧团 古镇
        祠堂 石碑 壁画 陶器 青铜器 竹简 家谱 戏台 灯会 龙舟 庙会 集市 邮票 明信片 地图 词典 课本 手册 账本 合同 发票 补贴 贷款 税款 基金
        股票 债券 保险 房租 物业 垃圾 污水 噪声 灰尘 湿地 候鸟 白鹭 天鹅 红鲤 松树 银杏 梧桐 草坪 种子 化肥 农药 灌溉 大棚 冷链 快递 包裹
        订单 价格 库存 产量 销量 质量 标准 专利 论文 实验室 样品 数据 模型 算法 网络 信号 基站 电池 充电桩 公交车 地铁 高铁 隧道 航班 跑道
        港口 集装箱 吊车 水泥 钢筋 木材 玻璃 瓷砖 油漆 家具 窗帘 厨房 阳台 楼道 围墙 广场 喷泉 雕塑 长椅 篮球场 游泳池 滑雪场 山路 峡谷
        瀑布 温泉 溶洞 草原 沙漠 雪山 冰川 海滩 珊瑚 台风 暴雨 干旱 寒潮 地震 山洪 火情 险情 预案 演练 物资 帐篷 棉被 救生衣""",
    "verb": """修复 扩建 检查 登记 收购 运送 分发 清理 更换 安装 调试 测量 记录 整理 翻译 出版 展出 拍摄 采访 讲解 培训 辅导 照料 护送
        组织 动员 协调 监督 审核 批准 公布 推广 试用 改良 种植 采摘 烘干 包装 储存 拍卖 捐赠 租借 归还 回收 拆除 加固 疏通 清洗 粉刷
        编排 演唱 排练 设计 绘制 雕刻 烧制 挖掘 鉴定 保护 搬迁 安置 走访 慰问 统计 核对 补充 调整 压缩 延长 缩短 提前 推迟 恢复 暂停""",
    "adj": """老旧 崭新 破损 宽敞 狭窄 安静 热闹 偏远 闲置 珍贵 普通 紧缺 充足 新鲜 成熟 干净 整洁 潮湿 干燥 坚固 轻便 耐用 省电 环保 昂贵
        便宜 特别 常见 罕见 古老 年轻 熟练 细心 热心 可靠 复杂 简单 完整 零散 公开 临时 长期 季节性 地方 传统 现代 小型 大型 首批 最后""",
    "adverb": """连夜 分批 逐户 免费 重新 统一 及时 提前 陆续 如期 共同 主动 反复 仔细 顺利 全部 优先 定期 随机 就地 自发 轮流 悄悄 再次
        按时 合力 当场 现场 专门 继续""",
    "time": """清晨 上午 午后 傍晚 夜里 周末 月初 月底 入冬以来 开春以后 雨季之前 节日期间 去年秋天 今年夏天 开学第一周 收割之后 近几年
        过去一个月 最近几天 假期最后一天""",
    "reason": """为了赶在雨季前完工 考虑到老人出行不便 因为旧线路经常停电 由于运费一涨再涨 按照居民的意见 随着订单增多 经过三轮讨论
        在邻县同行的帮助下 趁着天气放晴 根据专家的建议 为了不耽误孩子上课 受冷空气影响 在反复试验之后 面对突如其来的降雨
        借着节日的人气 依靠祖辈传下来的手艺""",
    "result": """附近居民不必再绕路 来往车辆明显减少 当年的亏损终于补上 孩子们有了固定的去处 下游村庄用上了干净的水 老人的收入多了一份
        连外地商贩也赶来看货 排队的时间缩短了一半 同样的故障没有再出现 剩下的部分留到明年再做 许多人第一次看清了它的全貌
        周边几个镇也打算照着做 夜里终于听不到轰鸣声 仓库里再没有积压 账目贴在了村口的墙上 志愿者名单越写越长""",
    "org": "水务局 农业站 文化馆 交通队 合作社 气象台 商会 供电所 卫生院 环保组织 研究所 出版社 旅游公司 居委会 消防站 档案馆 渔业协会 林场",
    "say": "介绍说 告诉来访者 在会上表示 回忆道 解释说 算了一笔账 坦言 补充道",
    "unit": "万元 亩 吨 户 人 公里 台 套 件 棵 箱 次 天 平方米",
    "surname": "赵 钱 孙 李 周 吴 郑 王 冯 陈 褚 卫 蒋 沈 韩 杨 朱 秦 许 何 吕 施 孔 曹 严 华 金 魏 陶 姜 戚 谢 邹 苏 潘 葛 范 彭 鲁 韦",
    "given": "一 文 志 晓 国 海 建 春 秋 林 雨 晴 雪 峰 宁 安 远 达 康 乐 明 亮 慧 敏 静 芳 兰 梅 竹 松 柏 云 霞 江 河 山 川 平 凡 欣",
    "place": "青 白 黑 红 金 银 石 木 水 泉 溪 湖 岭 坡 坪 湾 港 塘 桥 塔 寺 关 岩 洲 沙 竹 松 梅 柳 枫 鹤 鹿 龙 凤 虎 牛 羊 云 月 阳",
    "division": "县 市 镇 村 区 乡",
    "pattern": [
        "{time}，{place}{org}{adverb}{verb}了{num}{unit}{adj}的{noun}。",
        "{reason}，{place}的{noun}和{noun}将{adverb}{verb}，{result}。",
        "{place}{org}的{name}{say}，{adj}的{noun}已经{adverb}{verb}，{result}。",
        "据{org}统计，{time}{verb}的{noun}达到{num}{unit}，比原计划多出{num}{unit}。",
        "“我们{adverb}{verb}{noun}，就是希望{result}。”{name}{say}。",
        "{name}原来是{noun}行业的{noun}，{time}回到{place}，{adverb}{verb}{adj}的{noun}。",
        "从{place}到{place}，{adj}的{noun}被{adverb}{verb}，{noun}也跟着{verb}。",
        "{reason}，{name}和同伴{adverb}{verb}{noun}，又{verb}了{noun}与{noun}。",
        "这批{noun}由{place}{org}{verb}，{adj}而{adj}，{result}。",
        "不少{noun}{time}还在{verb}，{org}只好{adverb}{verb}{noun}，{result}。",
        "{place}的{noun}一向{adj}，{time}却因{noun}{verb}而停了下来。",
        "{name}把{adj}的{noun}{verb}在{noun}旁边，{adverb}{verb}，{result}。",
        "负责{noun}的{org}{say}，下一步将{verb}{noun}，并{adverb}{verb}{adj}的{noun}。",
        "在{place}，{noun}{verb}以后，{noun}、{noun}和{noun}都{adverb}{verb}。",
        "{time}，{num}{unit}{noun}运抵{place}，{name}{adverb}{verb}，没有耽误{noun}{verb}。",
        "谈到{noun}，{name}{say}，{adj}的{noun}最怕{noun}，必须{adverb}{verb}。",
        "{org}与{org}签下{noun}协议，{adverb}{verb}{place}的{adj}{noun}。",
        "到了{time}，{place}{num}{unit}{noun}全部{verb}，{result}。",
        "有人担心{noun}{verb}得太快，{name}则认为{adj}的{noun}更值得{verb}。",
        "{reason}，{org}决定{verb}{noun}，{noun}则{adverb}{verb}到{place}。",
        "第{nth}届{noun}展{time}在{place}开幕，{result}。",
        "{place}的{noun}{year}年{verb}，如今{adverb}{verb}，{result}。",
    ],
    "heading": "一、 二、 三、 （一） （二） 工作要求 基本情况 主要做法 下一步打算 现场直击 记者手记 事情经过".split(),
    "refrain": "全场响起热烈的掌声。 大家纷纷表示赞同。 会议圆满结束。 请各单位认真贯彻执行。 活动在歌声中落下帷幕。".split(),
}

EN = {
    "noun": """bridge orchard ferry station school hospital library museum factory warehouse market park canal dam boat harbour
        lantern elevator pipeline valve engine bearing cable chip sensor robot drone satellite telescope vaccine herb nurse
        teacher student parent volunteer pensioner visitor driver worker farmer fisherman shepherd firefighter engineer
        accountant lawyer reporter painter poet player coach referee choir orchestra village chapel tablet mural pottery
        bronze manuscript stage festival fair stamp postcard map dictionary textbook ledger contract invoice subsidy loan tax
        fund share bond insurance rent refuse sewage noise dust wetland heron swan carp pine maple lawn seed fertiliser
        greenhouse parcel order price stock harvest yield standard patent paper laboratory sample record model network signal
        battery charger bus tram tunnel flight runway container crane cement timber glass tile paint furniture kitchen
        balcony stairwell wall square fountain statue bench court pool trail gorge waterfall cave meadow desert glacier beach
        reef storm flood drought quake rescue drill tent blanket jacket""",
    "verb": """repaired extended inspected registered bought delivered distributed cleared replaced installed tested measured
        recorded sorted translated published displayed filmed explained trained tutored escorted organised coordinated
        audited approved announced promoted improved planted picked dried packed stored auctioned donated rented returned
        recycled demolished reinforced dredged washed painted arranged rehearsed designed carved fired excavated restored
        protected relocated visited counted checked adjusted shortened postponed resumed suspended""",
    "adj": """old new damaged spacious narrow quiet crowded remote idle precious ordinary scarce ample fresh ripe clean tidy damp
        dry sturdy light durable thrifty costly cheap special common rare ancient young skilled careful cheerful reliable
        complex simple complete scattered public temporary lasting seasonal local traditional modern small large early late""",
    "adverb": """overnight gradually again together carefully quietly promptly jointly repeatedly smoothly regularly voluntarily
        openly steadily early twice locally entirely nearby separately""",
    "time": """before dawn|in the afternoon|after the rains|over the weekend|early this month|late last year|since the thaw|
        during the holidays|in recent days|at the end of term|a week later|through the summer|shortly before noon""",
    "reason": """because freight had grown dear|at the request of residents|after three rounds of debate|with help from the next
        valley|while the weather held|on the advice of two surveyors|so that children could stay in class|as orders kept
        coming in|despite a sudden frost|after the old line failed twice""",
    "result": """neighbours no longer take the long way round|traffic on the lower road has thinned|the losses of last year are made
        good|the queue is half as long|villages downstream have clean water again|traders came from far away to look|the same
        fault has not returned|what remains will be done next spring|the accounts now hang on the notice board|many saw it
        whole for the first time""",
    "org": """the water board|the farm office|the town museum|the harbour authority|the growers' union|the weather bureau|the power
        company|the health centre|the research station|the fire brigade|the parish council|the forestry service""",
    "unit": "tonnes|acres|miles|families|pieces|crates|pounds|visitors|trees|days",
    "name": """Alder Bram Corin Della Esk Farrow Garrick Hollis Imber Jory Kestle Lorne Marden Nessa Orrin Pell Quill Rowan Selby
        Tamsin Ulver Verity Wystan Yarrow Ashby Brome Calder Dunmore Eldon Frome""",
    "place": """Aldermere Brackwater Coldharbour Dunwick Eastmoor Fenbridge Greyhaven Highcombe Ironford Jarrowby Kingsmarsh Larkfield
        Millhaven Northolt Oakhampton Penbury Quarrydale Ravenscar Saltby Thornlea Underhill Vexford Westerham Yarmby""",
    "pattern": [
        "{time}, {org} {adverb} {verb} {num} {unit} of {adj} {noun}s in {place}.",
        "The {noun} and the {noun} in {place} were {adverb} {verb} {reason}, and {result}.",
        "{name} {name} of {org} said the {adj} {noun} had been {verb} {adverb}, adding that {result}.",
        "According to {org}, the {noun} {verb} {time} came to {num} {unit}, against {num} {unit} planned.",
        '"We {verb} the {noun} {adverb} so that {result}," {name} {name} said {time}.',
        "{name} {name}, once a {noun} hand in {place}, {verb} the {adj} {noun} {time}.",
        "Between {place} and {place} every {adj} {noun} was {verb}, while the {noun} was {adverb} {verb}.",
        "The {noun}, {adj} and {adj}, was {verb} by {org} {reason}.",
        "Many a {noun} was still {verb} {time}, so {org} {adverb} {verb} another {noun}.",
        "A {adj} {noun} stood {adverb} beside the {noun} in {place} until it was {verb} {time}.",
        "{org} signed for the {noun} and {verb} it {adverb}, though the {noun} remained {adj}.",
        "Some feared for the {noun}; {name} {name} held that the {adj} {noun} deserved to be {verb} first.",
        "The last {num} {unit} reached {place} {time}, and {result}.",
        "{reason}, {org} {verb} the {noun} in {place} and left the {noun} {adj}.",
        "The {nth} {noun} fair opened in {place} {time}, and {result}.",
        "{time}, {org} counted {count} {adj} {noun}s in {place} and {verb} them {adverb}.",
    ],
    "heading": [
        "Background",
        "What happened",
        "Next steps",
        "In brief",
        "Part one",
        "Part two",
        "Notes",
        "How it began",
    ],
    "refrain": [
        "The hall rose to applaud.",
        "The motion was carried.",
        "The meeting then adjourned.",
        "No one was hurt.",
        "More details will follow.",
    ],
}

# A site's own lines: {site} is its name. The first of each pair of lists stands above the article, the second below.
ZH_SITES = [
    (
        ["首页 > 新闻中心 > 正文", "来源：{site}　作者：本站编辑"],
        ["【打印】【关闭】", "版权所有：{site}　未经书面授权不得转载"],
    ),
    (
        ["字号：大 中 小", "分享到：微信 微博 QQ空间"],
        ["责任编辑：小{site}", "扫一扫在手机打开当前页", "上一篇　下一篇"],
    ),
    (
        ["{site}讯"],
        ["声明：本文版权归{site}所有，转载请注明出处，违者将依法追究责任，图片如有侵权请联系本站删除。", "相关推荐"],
    ),
    (
        ["当前位置：{site} > 要闻", "发布时间：{date}　浏览次数：{count}次"],
        ["点击关注{site}公众号，获取更多精彩内容", "返回顶部"],
    ),
]
EN_SITES = [
    (
        ["Home > News > Local", "From our own reporters at {site}"],
        ["Share this story", "Copyright {site}. All rights reserved."],
    ),
    (
        ["{site} | Latest headlines"],
        [
            "Sign up for the {site} newsletter to receive the day's most important stories in your inbox every morning.",
            "Read more",
        ],
    ),
]
ZH_SITE_NAMES = "清溪在线 白石日报 鹤湾新闻网 青塘发布 云岭晚报 枫桥融媒 金沙观察 竹港资讯".split()
EN_SITE_NAMES = ["The Saltby Courier", "Fenbridge Gazette", "Larkfield Observer", "Highcombe Times"]

# Templates whose fillings make other news: every pair of fillings is a look-alike.
ZH_TEMPLATES = [
    "{place}气象台{date}{hour}时发布暴雨蓝色预警信号：预计未来{small}小时内，{place}、{place}等地将出现{num}毫米以上降雨，"
    "请有关单位和人员做好防范工作，注意检查排水设施，远离低洼地带。",
    "截至{date}24时，{place}累计登记返乡人员{num}人，其中当日新增{num}人；已安排体检{num}人，尚未发现异常情况，"
    "各项服务保障工作正在有序进行之中。",
    "{place}人民法院公告：{name}，本院受理原告{name}诉你买卖合同纠纷一案，定于{date}{hour}时在第{small}法庭公开开庭审理，"
    "逾期将依法缺席裁判，特此公告。",
    "本报{place}{date}电　{place}第{small}届{noun}节今天开幕，来自{num}个地方的{num}名代表参加了开幕式，"
    "活动将持续{small}天，期间将举办展览、论坛和演出等多项活动。",
    "{date}，{place}农产品批发市场{noun}平均价格为每公斤{small}.{tens}元，比前一日上涨{small}.{tens}%；"
    "监测的{num}种商品中，价格上涨的有{small}种，下降的有{tens}种，其余持平。",
    "自{date}起，东区水厂对主管网进行分段清洗，每晚{hour}时至次日5时停水，请各户提前储水，关好入户阀门，恢复供水后先放水两分钟"
    "再使用，由此带来的不便敬请谅解。",
    "本馆定于{date}举行读者开放日活动，上午参观修复室，下午由馆员讲解古籍的保存与装订，名额{tens}人，请在总服务台登记，领取参观证，"
    "凭证入场，谢绝携带饮料和食品。",
]
EN_TEMPLATES = [
    "{place} Holdings said net profit for the quarter ended {date} was {num} thousand pounds or {tens} pence per share, against {num} "
    "thousand pounds a year earlier; turnover came to {num} thousand pounds and the average number of shares was {num} thousand.",
    "The weather bureau at {place} reported {tens} millimetres of rain in the {small} hours to noon on {date}, with winds of {tens} "
    "miles per hour from the west and temperatures between {small} and {tens} degrees along the coast.",
    "Prices at the {place} market on {date}: {num} head of cattle sold at {tens} to {tens} pounds, {num} sheep at {small} to {tens} "
    "pounds, trade steady, demand fair, and the best lots taken by buyers from out of the county.",
    "The ferry will not run on {date} while the slipway is scraped and painted; passengers may use the coach from the market square, "
    "which leaves {tens} minutes past each hour and accepts ferry tickets, season tickets and passes for the elderly.",
]

# Vocabulary that differs in Taiwan and Hong Kong beyond the script: the words of this list alone are exchanged.
TAIWAN = {
    "软件": "軟體",
    "网络": "網路",
    "数据": "資料",
    "质量": "品質",
    "激光": "雷射",
    "出租车": "計程車",
    "芯片": "晶片",
    "信号": "訊號",
    "公交车": "公車",
    "地铁": "捷運",
}
HONG_KONG = {
    "出租车": "的士",
    "公交车": "巴士",
    "软件": "軟件",
    "网络": "網絡",
    "信号": "訊號",
    "冰箱": "雪櫃",
    "激光": "激光",
}

PINYIN = {
    "县": "xiàn", "村": "cūn", "桥": "qiáo", "湖": "hú", "山": "shān", "水": "shuǐ", "石": "shí", "塘": "táng",
    "湾": "wān", "岭": "lǐng", "路": "lù", "库": "kù", "校": "xiào", "院": "yuàn", "站": "zhàn", "人": "rén",
    "河": "hé", "区": "qū", "镇": "zhèn", "市": "shì", "田": "tián", "船": "chuán", "车": "chē", "老": "lǎo", "新": "xīn",
    "大": "dà", "小": "xiǎo", "修": "xiū", "查": "chá", "运": "yùn", "种": "zhòng", "送": "sòng", "高": "gāo",
}  # fmt: skip

EN_MONTHS = "January February March April May June July August September October November December".split()
