"""Articles whose lines look like page furniture and are none: every line stays.

Invented. Chinese ones are tried in both scripts.
"""

CHINESE = {
    "schedule with dates at the tail": """
石门镇公布端午龙舟赛赛程
石门镇昨日公布了今年端午龙舟赛的全部赛程，共有十二支队伍报名参加，比赛在老渡口水域举行。
各队须在比赛前一天到组委会签到，领取号码布和救生衣，逾期视为弃权。
预赛第一组 2024-06-08
预赛第二组 2024-06-09
复赛 2024-06-10
决赛 2024-06-12
""",
    "chronicle with a signature date": """
石门水库建设大事记
石门水库是本地最大的水利工程，前后修了五年，先后有三万多人上过工地。
1958-03-12　工程开工，首批民工八百人进驻工地，住在临时搭起的草棚里。
1959-07-01　大坝合龙，当天夜里下了一场大雨，守坝的人一夜没有合眼。
1961-10-20　第一台机组发电，沿河三个乡镇头一回用上了电灯。
1963-05-08　通过国家验收。
1963-06-01
""",
    "chronicle without spaces behind its dates": """
北塘村治水记
北塘村地势低洼，过去十年九涝，村里的老人说起发大水的年头，个个都能说上半天。
2019-04-02村里开会，定下修渠的事，家家户户按人头出工。
2020-06-17主渠修通，当年夏天的暴雨没有淹掉一亩地。
2021-09-30支渠全部完工，村里摆了二十桌酒席。
2021-10-08
""",
    "winners with dates": """
北塘区青少年科技创新大赛获奖名单公布
北塘区青少年科技创新大赛评审工作日前结束，现将获奖名单和获奖日期公布如下，公示期为七天。
一等奖 殷小满 2023-11-05
一等奖 苏未 2023-11-05
二等奖 路远山 2023-11-04
二等奖 卓晴 2023-11-03
三等奖 夏末 2023-11-02
""",
    "laws with the dates of their revision": """
本市清理涉水法规，以下法律已经修改
市人大常委会法工委介绍，本次清理涉及的上位法及其最近一次修改日期如下，请各单位对照执行。
中华人民共和国水法 2016-07-02
中华人民共和国防洪法 2016-07-02
中华人民共和国航道法 2016-07-02
中华人民共和国水土保持法 2010-12-25
中华人民共和国河道管理条例 2018-03-19
""",
    "dated notice": """
关于城东片区停水的通知
因城东水厂检修管网，定于本周五夜间对以下片区临时停水，请居民提前储水，检修完成后将立即恢复供水。
榆钱巷、老渡口、南门小学一带
停水时间：周五晚十点至周六早六点
时间：周六晚七点
地点：南门小学礼堂
市水务局
2024年5月21日
""",
    "event with labelled lines": """
林岸读书会第三十期预告
林岸读书会本月继续在老渡口茶馆举行，欢迎带着自己的书来，茶水免费。
主题：一条河与一座城
时间：6月8日下午两点半
日期：端午节当天
地点：老渡口茶馆二楼
主讲：殷小满
来源：他写了十年的笔记
分享：三位老船工的故事
评论：现场提问
收藏：签名本二十册
推荐：自带水杯
""",
    "recipe": """
榆钱饭的做法
榆钱要挑刚冒出来的，洗净沥干，拌上面粉上锅蒸，出锅以后淋蒜汁，春天里吃一口，满嘴都是清香。
主料：榆钱三百克
辅料：面粉一百克、蒜五瓣
时间：二十分钟
来源：奶奶的老方子
编辑：少放盐
标签：春天、时令、面食
推荐：配小米粥
热度：中火
""",
    "record of an exhibit": """
镇馆之宝：双耳青铜罐
市博物馆新展厅昨日开放，第一次展出的双耳青铜罐引来不少观众，讲解员一上午讲了十四场。
名称：双耳青铜罐
年代：战国
来源：石门镇东岗墓地
收藏：市博物馆
编号：M12:7
关键词：青铜、战国、容器
""",
    "credits of a film that is reviewed": """
《老渡口》：一条船上的四十年
电影《老渡口》本周上映，影片从一条旧木船讲起，把四十年的日子压在一百分钟里，看得人心里发酸。
片名：老渡口
导演：卓晴
编剧：苏未
摄影：路远山
剪辑：夏末
出品：林岸影业
主演：殷小满、程以恒
片长：一百零三分钟
影片的好处在于不急，镜头总是等人把话说完，等船靠岸，等灯一盏一盏亮起来，再慢慢移开。
""",
    "dialogue with an editor": """
一篇稿子是怎样改出来的
去年冬天我写了一篇关于渡口的稿子，前后改了九遍，下面是我同编辑的一次谈话，凭记忆写下来。
编辑：太长了
作者：删哪里
编辑：第二段
作者：那是最要紧的
主编：听他的
编辑：行吧
后来那一段留了下来，印出来以后，有好几位老船工写信来，说写的就是他们当年的样子。
""",
    "heading over a dialogue": """
菜市场里的一天
凌晨三点，城西菜市场已经亮起了灯，拉菜的车一辆接一辆开进来，卸货的人顾不上说话。
精彩评论
老张：今天的菜新鲜
小李：就是贵了点
老张：雨下得多
热点话题
菜价什么时候回落
停车难怎么解决
夜市还办不办
""",
    "interview of a proofreader": """
面试对话实录
面试安排在下午两点，一共问了六个问题，下面是录音整理，略有删节。
记者：您好
编辑：请坐
主编：多大
审核：学什么的
校对：哪里人
后来他被录取了，在校对科一坐就是二十年，同事们说他从来没有放过一个错字。
""",
    "headings over lists": """
市图书馆六月工作安排
市图书馆六月继续延长开放时间，周末两天开到晚上九点，自习室不再预约，先到先得。
推荐
亲子阅读角
老年课堂
最新内容
新到图书四百册
少儿绘本八十册
相关信息
周一闭馆
周末开到九点
相关链接
历届读书节主题
一城书香
河边夜读
""",
    "reading list": """
怎样读懂一条河
写河的书不少，大多写风光，写人的少，写船工的更少，下面几本是我反复读过的，列出来供各位参考。
推荐阅读
《老渡口的灯》 殷小满
《河流与城市》 苏未
《船工号子集》 路远山
《水边的日子》 卓晴
""",
    "heading over a section": """
榆钱巷改造启动
榆钱巷改造工程昨日启动，计划用八个月时间完成管网、路面和外墙的整修，居民不搬迁。
延伸阅读
榆钱巷建于清朝末年，全长三百二十米，因巷口的一棵老榆树得名，曾是城里最热闹的裁缝铺一条街。
巷子里现有居民一百一十七户，其中六十岁以上的老人占了一半还多，不少人一辈子没有离开过这里。
""",
    "markdown table": """
六月各区水质情况
市生态环境局昨日公布六月各区地表水水质情况，六个断面中有五个达到三类标准，一个断面为四类。
| 区 | 断面 | 一月 | 二月 | 三月 | 四月 | 五月 | 六月 |
|---|---|---|---|---|---|---|---|
| 北塘 | 老渡口 | 三类 | 三类 | 二类 | 三类 | 三类 | 三类 |
| 石门 | 东岗 | 二类 | 二类 | 二类 | 二类 | 二类 | 二类 |
| 城西 | 水厂 | 三类 | 四类 | 四类 | 三类 | 三类 | 四类 |
""",
    "table without delimiter row": """
羽毛球团体赛战绩
全市职工羽毛球团体赛昨日结束小组赛，八支队伍捉对厮杀，战绩如下，前两名进入半决赛。
队名|第一轮|第二轮|第三轮|第四轮|第五轮|胜|负|积分
水务|胜|胜|负|胜|胜|四|一|十三
教育|胜|负|负|胜|负|二|三|八
电力|负|胜|胜|胜|负|三|二|十
""",
    "donors between separators": """
爱心捐款名单
南门小学为患病学生募捐，三天里收到善款四万二千六百元，校方感谢各位好心人，名单如下：
殷小满|苏未|路远山|卓晴|夏末|程以恒|葛小满|公雪|刘颖|陈平|王小明|李四
谢谢每一位伸出援手的人。
""",
    "poem between separators": """
渡口谣
老船工唱了一辈子的渡口谣，如今会唱的人不到十个，文化馆去年把它记了下来，全文如下。
一篙撑破水中天|二篙惊起芦中雁|三篙送郎过江去|四篙盼郎把家还|五篙月儿挂树梢|六篙风起浪花翻|七篙星落船靠岸|八篙灯亮渡口边
唱完这一段，老人停下来喝了口水，说年轻的时候一口气能唱十二段，现在气不够了。
""",
    "verse": """
春汛
水从上游来，
带着去年的落叶，
和一封没有寄出的信。

分享
你把雨分享给屋檐，
屋檐把它还给河流。

收藏
我收藏过一盏灯，
它在对岸亮了一夜。

首页
风翻到首页，
又翻回来。
""",
    "questions and answers": """
新水价怎么算？
新水价下月起执行，不少居民打来热线询问，记者就大家关心的问题采访了水务局有关负责人。
问：阶梯怎么分
答：分三档
问：人口多怎么办
答：凭户口本申请
问：来源在哪里
答：石门水库
Q：什么时候执行
A：下月一日
""",
    "programme schedule": """
林岸电视台周末节目单
林岸电视台本周末继续播出大型纪录片，晚间时段作了调整，具体安排如下，以实际播出为准。
06:30 早安林岸
08:00 少儿剧场
12:00 午间新闻
19:30 纪录片：老渡口
21:00 评论：一周热点
22:00 首页
""",
    "obituary": """
讣告
著名船舶专家路远山同志因病医治无效，于2024年5月21日凌晨在本市逝世，享年八十九岁。
路远山同志遗体告别仪式定于5月25日上午九时在西山殡仪馆举行。
谨此讣告
联系方式：治丧办公室
路远山同志治丧委员会
2024年5月22日
""",
    "timetable": """
城乡公交新时刻表
城乡公交二路从下周一起执行夏季时刻表，末班车延后四十分钟，票价不变，沿途站点如下。
首页站 06:10
南门 06:25
老渡口 06:40
石门镇 07:15
返回：南门 19:00
首页站 19:20
""",
    "diary": """
护林日记三则
2023年3月2日
雪化了一半，北坡还是白的，上山的路不好走，鞋子湿透了，中午在岩下生火烤了一回。
2023年3月9日
遇到两个采药的人，劝他们不要生火，他们说知道，临走给了我半块饼。
2023年3月20日
第一声雷，夜里下了雨，山里的溪水响了起来。
""",
    "regulations with strong words": """
林岸市信息发布管理办法
第一条 为了规范信息发布工作，根据有关法律法规，结合本市实际，制定本办法。
第二条 凡在本市发布的稿件，应当注明来源。
第三条 任何单位和个人未经许可，不得转载涉密信息。
第四条 本网站版权归市政府办公室所有，其他单位使用应当经过同意。
第五条 转载本网稿件的，应当注明出处。
第六条 责任编辑应当对稿件的真实性负责。
第七条 关注官方微信的用户可以查询办理进度。
第八条 本办法自发布之日起施行。
""",
    "story about media people": """
一张报纸的最后一天
林岸日报的最后一期是在一个雨夜印完的，印刷机停下来的时候，车间里没有一个人说话。
责任编辑：这三个字我签了三十年
版权所有：他指着报头笑了笑
“下载客户端吧。”年轻人说。
“分享到朋友圈了。”另一个说。
扫一扫就能看，谁还买报纸呢。
老路把最后一张报纸叠好，放进抽屉，关了灯，慢慢走下楼去，外面的雨还没有停。
他在门口站了一会儿，想起三十年前第一天上班，也是这样的雨，主编撑着伞在这里等他。
""",
    "steps of a manual": """
手机缴水费怎么操作
不少老人不会用手机缴费，水务局的年轻人把步骤写成大字，贴在营业厅的墙上，内容如下。
扫一扫二维码
关注“林岸水务”公众号
点击右上角菜单
登录
搜索
返回首页
打印
关闭
照着做一遍，大多数老人都能学会，实在不会的，窗口还有人帮忙，一直帮到会为止。
""",
    "words that are explained": """
网络词语小词典
网络词语更新很快，文化馆编了一本小词典，把常用的词列出来，方便老年读者查阅。
点赞
转发
收藏
评论
打赏
这些词原本各有各的意思，到了网上就变了样，编者在每一条下面都写了出处和例句。
""",
    "positions and quantities": """
救援队公布遇险船只位置
救援队昨日公布了遇险船只的情况，经过六个小时的搜救，船上七人全部获救，没有人员伤亡。
位置：东岗以东两海里
来源：过往船只报告
热度：三十九度二
播放：二十次求救信号
出处：航海日志
""",
    "levels of a curriculum": """
河道工学徒怎样一步步成才
河道工的学徒要学三年，师傅们把这条路写在墙上，新来的人每天都能看见。
学徒 > 帮工 > 工匠 > 师傅
挖沟 → 砌石 → 勾缝 → 验收
走完这条路的人并不多，十个里面大约有三个，剩下的后来去开了船，或者进了城。
""",
    "next and last chapters": """
他写了一本关于渡口的书
这本书分为上下两篇，写了四十年的事情，出版社原来只印了两千册，没想到三个月就卖完了。
上篇：水边的孩子
下篇：离岸的人
上一页：母亲的照片
下一页：父亲的船票
书里的每一张照片后面都有一个故事，作者花了六年时间，把照片里的人一个一个找了回来。
""",
    "results": """
市职工运动会成绩公报
市职工运动会昨日闭幕，三天里共有十八项纪录被打破，以下是部分项目的成绩。
男子百米：11秒24
女子百米：12秒87
点击：六十次
阅读：八十九分
人气：第一名
热度：97
推荐：12票
转发：接力 4分02秒
""",
    "letters": """
写给远方的信
收到你的来信已经是第三天了，这里的雨一直没有停，渡口的船都系在岸上，没有人过河。
分享给你
更多
家里的事
你的好友
路远山
2024年5月1日
""",
    "weather and figures": """
沪指收报3012.45点，涨0.87%|深成指9823.11点|创业板1902.33点|成交8123亿元|北向资金42亿元|两融1.5万亿元|涨停62家|跌停3家|换手2.1%
""",
    "members of a committee": """
大会主席团名单通过
大会昨日举行预备会议，表决通过了主席团名单，会议由卓晴主持，应到代表三百一十二人，实到三百零四人。
总编辑：苏未
总策划：路远山
监制：殷小满
审核：夏末
本报记者 程以恒
大会今天上午开幕，会期三天半，将听取和审议六个报告，选举新一届的领导机构成员。
代表们分组讨论了会议议程，认为安排紧凑，重点突出，对开好这次大会充满信心和期待。
""",
    "last page of a story": """
夜航
夜里十一点，最后一班船离开码头，甲板上只有三个人，谁也不认识谁。
老船工把灯拧暗，说了句：“到了叫你们。”
后来谁也没有睡。
分享
转发
沉默
像三块石头，沉在水底。
""",
}

ENGLISH = {
    "schedule with dates at the tail": """
Harbour league announces its fixtures
The harbour league has announced its fixtures for the spring, with twelve crews rowing over five weekends.
First round 2024-03-09
Second round 2024-03-16
Semi-finals 2024-04-06
Final 2024-04-13
""",
    "chronicle": """
The lighthouse, year by year
The lighthouse has stood on the point for almost two centuries, and its keepers wrote down what they saw.
1838-05-01 The lamp was lit for the first time, and the fishermen came out to look at it.
1871-11-12 A storm took the gallery and two of its windows.
1921-06-30 Electricity came to the point.
1984-09-01 The last keeper left.
""",
    "recipe": """
Aunt May's fish pie
The pie is simple, and the secret is in the stock, which should simmer for an hour before anything else is done.
Recommended
2 pounds of cod
Top with cheese
Read more
Print
Category: mains
Tags: a pinch of sage
Time: forty minutes
Source: my aunt
5 min
""",
    "lines that begin like an invitation": """
What the keeper told me
I met the keeper on a Tuesday, and he had not spoken to anyone for three weeks, so he talked until dark.
Follow me, he said, and mind the fourth step.
Never miss a tide, my father used to say.
Find us on the rocks by noon or not at all.
Get the boat into the shed, then the app of the harbour office will do the rest.
Sign up for the navy, they told him, and see the world.
Join the community of those who wait.
He closed the door behind us, and for a while there was nothing to hear but the sea and the gulls.
I have been back twice since then, and each time the stairs have seemed a little steeper than before.
""",
    "dialogue": """
A play in one line each
The whole play takes four minutes, and nobody in the audience laughed until the very last word was spoken.
Comment: why not
Print: never
Home: where
Next: you
Previous: me
Search: nothing
The lights went up, and the author came on to say that he had meant every word of it, and more.
""",
    "verse": """
Tide tables

Home
is where the water
lets go of the stone.

Share
the bread, the lamp,
the last dry match.

More
like rain than rain.
""",
    "questions and answers": """
What changes for ferry passengers
The ferry company answers the questions that its passengers ask most, now that the winter timetable has begun.
Q: Contact us?
A: By telephone.
Q: Where do I register?
A: At the pier.
About us
Two sisters and a dog run the office.
Careers
There are none at present.
The company hopes to add a second boat in the spring, if the council agrees to pay for the new landing.
It has carried eleven thousand passengers since the summer, which is more than in any year before it.
""",
    "soup": """
Soup
You may also like
a pinch of salt
a bay leaf
Boil the water, add the leeks and the potatoes, and leave it alone for half an hour at the very least.
Serves four
""",
    "markdown table": """
Catch by port
The fisheries board has published what was landed in each port over the past seven years, in tonnes.
| Port | 2017 | 2018 | 2019 | 2020 | 2021 | 2022 | 2023 |
|---|---|---|---|---|---|---|---|
| Northby | 120 | 118 | 131 | 90 | 77 | 101 | 99 |
| Saltham | 310 | 322 | 298 | 240 | 251 | 260 | 244 |
""",
    "results between separators": """
Saturday's results
The crews rowed in heavy rain on Saturday, and the umpire stopped the fourth race twice before it was finished.
Northby|won|lost|won|won|lost|won|won|lost
Saltham|lost|won|lost|won|won|lost|won|won
""",
    "obituary": """
Edmund Hale, keeper of the light
Edmund Hale, who kept the light on the point for thirty-one years, died at home on Tuesday at the age of 88.
Published poet, swimmer, father of four.
Photographs by the family will be shown on Friday.
A service will be held at noon.
Share your memories at the church door.
March 5, 2021
""",
    "timetable": """
Winter timetable
The winter timetable begins on Monday, when the last boat of the day will leave an hour earlier than it does now.
Northby 7:10
Saltham 7:55
Next: Point Hale, 8:20
Back to top deck 9:00
Return 17:40
""",
    "statistics": """
The page that nobody reads
A page on the harbour office's site has been read by almost nobody since it was put up in the spring of last year.
12 views
3 shares
no comments
That did not trouble the clerk who wrote it, for he had written it, he said, for the one reader who would come.
He has since written four more, on the depth of the channel, the price of rope, and the habits of the seals.
""",
    "press notes in a story": """
The last edition
The paper was printed for the last time on a wet night in March, and nobody in the press room spoke.
Photo by the door, two chairs, one lamp.
Edited by time
Copyright was never his concern.
All rights reserved, all lefts forgiven
Video: none
Related by marriage
He folded the last copy and put it into a drawer, turned off the light, and went slowly down the stairs.
It was still raining, as it had been thirty years before, when he had come to ask for work at that door.
""",
    "levels": """
How an apprentice becomes a master
The way from apprentice to master takes nine years, and it is written on the wall of the yard in white paint.
Apprentice > Journeyman > Shipwright > Master
Oak -> plank -> rib -> hull
Of ten who begin, three arrive; the others go to sea, or inland, or into the office with the warm stove.
""",
    "headings of a guide": """
A guide to the point
The point can be reached on foot at low tide, and those who stay too long will have to wait for six hours.
More about the tides
They turn four times a day, and never when you expect them to, so look at the table first.
See also
The old chapel
The bell
In other news
Popular now
Black pudding
Latest catch
Herring, mostly
""",
    "news in brief": """
News in brief
The council met on Monday to talk about the new landing, and adjourned after twenty minutes without a vote.
In other news
The swimming pool opens on Saturday
Two geese were found in the library
The clock strikes again
""",
    "list of articles of a treaty": """
What the treaty says
The treaty has eleven articles, and the ministry published a summary of each of them on Thursday morning.
Terms of use
Privacy
Support
Archives
Disclaimer
Each of these headings stands over a page of text, which the ministry has promised to translate by the summer.
The two governments will meet again in the autumn, when the first of the reports is due to be presented.
""",
}
