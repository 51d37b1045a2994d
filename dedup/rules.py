"""The named rules that know a line of page furniture by its wording, each with examples; the only door to RE2.

A rule sees a line as a reader does: without annotations, in one Chinese script, in lower case, full-width signs as
ASCII ones, quotation marks and brackets of every kind as one, white space collapsed. It matches the whole line or nothing.
RE2 takes time linear in the line whatever the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import re2
from numpy.typing import NDArray

from dedup import kernel
from dedup import text as texts
from dedup.errors import BadSettings
from dedup.fold_table import flagged, load
from dedup.heads import Beginnings, takes_digits_alike
from dedup.kernel.fold_reference import DECIMAL, EXPANSION, INVISIBLE, SPACE
from dedup.kernel.line_reference import CLOSES, UNSEEN, WHITE, Outlines
from dedup.kernel.reference import I64, U8, U16, U32, positions
from dedup.text import codepoints


class Rule(NamedTuple):
    """A name, what it matches, and examples that are its tests.

    Attributes:
        name: what findings call it; several rules may have one name.
        pattern: RE2, matched against the whole line as `reading` gives it, whatever the case.
        yes, no: lines that it takes, and lines that come near and stay.
        longest: most characters of a line that it looks at.
        needs: what must be seen beside the wording before the line goes: nothing, "edge" (no running text on one side
            of it) or "company" (an edge, and a line of furniture that is certain next to it). Without it the line is
            doubtful: told, not cut.
    """

    name: str
    pattern: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    longest: int = 160
    needs: str = ""


_DATE = r"(?:\d{4} ?[-./年] ?\d{1,2} ?[-./月] ?\d{1,2} ?日?|\d{1,2}/\d{1,2}/\d{4})"
_TIME = r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]\.?m\.?)?"
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
_DAY = rf"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? )?(?:{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{1,2}}(?:st|nd|rd|th)? {_MONTH},? \d{{4}})"
_WHEN = rf"(?:{_DATE}|{_DAY})(?:(?: |,|t| at | - | \| ){{0,2}}{_TIME}(?: ?(?:[a-z]{{3,4}}|z|[+-]\d\d:?\d\d))?)?"
_HAN = r"[\x{3400}-\x{9fff}]"  # a third of the automaton of \p{Han}
_NAMES = rf"{_HAN}{{2,4}}(?:[ 、,/]{{1,3}}{_HAN}{{2,4}})*"
# Latin letters up to the end of Extended-B, and what else is the other case of one of those
_LETTER = (
    r"a-z\x{c0}-\x{24f}\x{253}\x{254}\x{256}\x{257}\x{259}\x{25b}\x{260}\x{263}\x{268}\x{269}\x{26f}\x{272}\x{275}\x{280}"
    r"\x{283}\x{288}-\x{28c}\x{292}\x{1e9e}\x{2c65}\x{2c66}"
)
_LATIN = rf"[{_LETTER}.'-]"
_WORDS = rf"{_LATIN}+(?: {_LATIN}+){{0,3}}"  # a name in Latin letters
# who is credited: nobody, names, an office and names; no phrase with a comma or a verb that ends a sentence
_WHO = rf"(?:{_NAMES}|{_HAN}{{2,12}}(?:部|组|室|社|网|报|台|中心|媒体|平台|客户端|工作室|集团|公司)(?: {_NAMES})?|{_LATIN}[{_LETTER}.' -]{{0,24}}|{_HAN}(?: {_HAN}){{1,2}})?"
_WHENCE = r"[^:。！？!?;,]{0,20}"  # where a text comes from
_NUMBER = r"\d{0,9}(?:\.\d)?万?(?:次|人|人次|条|个)?\+?"
_PERSON = (
    r"(?:(?:本期|本版|本文|见习|实习|执行|值班|网络|新媒体|栏目|英文|美术|视频|图片|文字|后期|稿件|特约|常务|副|责任|总)*"
    r"(?:责编|编辑|编审|主编|总编|编导|编务|美编|校对|校审|校订|审核|审校|审读|审稿|审定|终审|初审|复审|二审|三审|一审|签发|监制|监审|制片人?"
    r"|总监|策划|统筹|制作|制图|绘图|摄影|摄像|撰文|撰稿|供稿|供图|排版|录入|剪辑|出品人?|配音))"
)
# offices that only a newsroom has; whoever says "编辑:" may be speaking
_NEWSROOM = (
    r"(?:(?:本期|本版|本文|见习|实习|执行|值班|网络|新媒体|栏目|英文|美术|视频|图片|文字|稿件|特约)*"
    r"(?:责任?编辑|责编|责任校对|责校|(?:责任|值班|执行|网络|栏目|美术|视频|图片|文字|新媒体|见习|实习|本期|本版|本文|稿件|英文)编辑|值班主编|值班主任|编审|美编|校对|审校|审读|审稿|终审|初审|复审|二审|三审|一审|供稿|撰稿))"
)
_SOURCE = (
    r"(?:来源|信息来源|文章来源|稿件来源|新闻来源|内容来源|稿源|出处|资料来源|图片来源|视频来源|本文来源|原标题|原题)"
)
_ONE_SOURCE = r"(?:信息来源|文章来源|稿件来源|新闻来源|内容来源|稿源|图片来源|视频来源|本文来源|原标题)"
_CREDIT = rf"(?:{_PERSON}|{_SOURCE}|作者)"
_CREDITED = rf"(?:(?:{_PERSON}|作者) ?[:/] ?{_WHO}|{_SOURCE} ?[:/] ?{_WHENCE})"
_SURELY_CREDITED = rf"{_NEWSROOM} ?[:/] ?{_WHO}|{_ONE_SOURCE} ?: ?{_WHENCE}"
_PUBLISHED = (
    r"(?:(?:加入|发布|发表|更新|上传|添加|录入|创建|修改|最后更新|最后修改|发稿|公布|刊发|提交)(?:时间戳?|日期|于))"
)
_TALLY = r"(?:(?:阅读|浏览|访问|点击|查看|播放|转发|点赞|评论|收藏|推荐)(?:量|数|次数|人数)|(?:文章|本文|页面)(?:点击|浏览|阅读)(?:数|量|次数)?)"
_MAYBE_TALLY = r"(?:阅读|浏览|访问|点击|查看|播放|转发|点赞|评论|收藏|推荐|人气|热度|字数)"
_READER = r"(?:字号|字体(?:大小)?) ?: ?\[?(?:大|中|小|[ /|\[\]])*|语音播报|索引号 ?: ?[\w/-]{0,30}|发布(?:人|者|单位|机构) ?: ?[^:。,]{0,24}"
_STAMP = rf"(?:{_PUBLISHED} ?:? ?(?:{_WHEN}|\d{{10,13}})?|{_TALLY} ?: ?{_NUMBER}|{_READER})"
_MAYBE_STAMP = (
    rf"(?:{_WHEN}|(?:时间|日期) ?: ?(?:{_WHEN})?|{_MAYBE_TALLY} ?: ?{_NUMBER}|(?:文章|信息|稿件|新闻|内容)?作者 ?: ?{_WHO}"
    rf"|{_CREDITED}|{_TIME}|打印|收藏|分享|大|中|小|次|t)"
)
_SERVICE = (
    r"(?:(?:新浪|腾讯)?微博|微信(?:好友|朋友圈)?|朋友圈|qq(?:空间|好友)?|人人网|豆瓣|知乎|百度贴吧|贴吧|开心网|今日头条|抖音|快手"
    r"|facebook|twitter|linked ?in|whats ?app|pinterest|reddit|tumblr|telegram|messenger|instagram|youtube|google\+|google plus"
    r"|weibo|wechat|flipboard|digg|delicious|stumble ?upon|tiktok|bluesky|mastodon|snapchat|viber|vimeo|flickr)"
)
_NETWORK = (
    rf"(?:{_SERVICE}|好友|复制链接|收藏|打印|举报|点赞|转发|分享|评论|更多|邮件|短信|x|e-?mail|print|copy(?: link| url)?|line"
    r"|pocket|threads|vk|rss|link|more|sms|xing|medium|share|save|tweet)"
)
_BUTTON = (
    r"(?:返回首页|网站首页|返回顶部|回到顶部|关闭(?:窗口|本页)|打印(?:本页|本文|文章|此页)|收藏(?:本页|本文)|推荐给好友|我要(?:评论|纠错|投稿)"
    r"|发表评论|设为首页|加入收藏|网站地图|站点地图|广告服务|诚聘英才|隐私(?:政策|条款|声明)|友情链接|手机版|电脑版|无障碍浏览"
    r"|[^\s|:。]{0,8}官网首页"
    r"|skip to (?:main |primary )?(?:content|navigation|search|footer)|(?:close|main) menu|log ?in|log ?out|sign ?(?:in|up|out)|my account"
    r"|search this site|search for:?|site ?map|privacy (?:policy|notice|statement)|privacy & cookies|(?:your )?(?:privacy|cookie) (?:choices|settings|preferences)"
    r"|terms (?:of|and|&) (?:use|service|conditions)|terms (?:& )?privacy|cookies? (?:policy|notice)|accessibility statement|advertise with us|back to top"
    r"|older posts|newer posts|(?:next|previous) (?:post|article|story|page)|leave a (?:reply|comment)|post a comment|add a comment"
    r"|\d{1,4} comments?|no comments(?: yet)?|view all(?: posts)?|show more|load more|toggle navigation|advertisement(?: - continue reading below)?"
    r"|sponsored(?: content| links)|do not sell (?:or share )?my (?:personal )?information|store locator|print this(?: page)?|add to cart"
    r"|reply to comment|reply quote like|add to (?:favorites|wishlist|quote)|click to expand\.*|scroll to top|view cart|jump to (?:content|navigation|comments))"
)
_MENU = (
    rf"(?:{_BUTTON}|首页|主页|顶部|返回|关闭|打印|纠错|关于我们|联系我们|联系方式|招聘信息|人才招聘|法律声明|免责声明"
    r"|登录|注册|退出|搜索|客户端|繁体版?|简体版?|english|无障碍|意见反馈|帮助(?:中心)?|投稿|留言|版权声明|大|中|小|字号|分享|收藏|[^\s|:。]{0,8}首页"
    r"|home ?page|home|menu|close|register|account|search|contact(?: us)?|about(?: us)?|faqs?|help(?: cent(?:er|re))?|support|privacy|terms"
    r"|legal(?: notice)?|disclaimer|cookies?|accessibility|careers|jobs|advertise|advertising|press|newsletters?|top|next|prev(?:ious)?|comments?"
    r"|see all|read more|learn more|click here|shop|blog|cart|donate|subscribe|advertorial|sponsored|archives?|blogroll|tags|categories"
    r"|partner with us|print|share|reply|compare|wishlist|checkout|follow|loading\.*)"
)
_HEADLINES = (
    r"(?:(?:相关|推荐|延伸|扩展|拓展|热门|关联|往期|站内|同类)(?:的)?(?:阅读|文章|新闻|报道|推荐|稿件)|更多(?:阅读|文章|新闻|报道|推荐)"
    r"|(?:猜你喜欢|猜您喜欢|大家都在看|大家还看了|(?:你|您)可能(?:还)?(?:感兴趣|喜欢)|为(?:您|你)推荐|热门排行|点击排行|阅读排行|新闻排行榜?))(?:的(?:文章|内容|新闻))?"
)

RULES = (
    Rule(
        "share",
        rf"[\[(]*(?:(?:一键)?分享(?:到|至)|转发(?:到|至)|欢迎分享|share (?:on|via|to)|share this(?: (?:article|story|post|page|on|via|entry|video))?)"
        rf"[ :\])]*(?:{_NETWORK}[ ,|/·)\]]*)*|tweet this|e-?mail this(?: (?:article|story|post|page))?|pin it|[\[(]*分享[ :]+{_SERVICE}(?:[ ,|/·]+{_NETWORK})*[)\]]*",
        (
            "分享到:",
            "分享到： 微信 微博 朋友圈 收藏 打印",
            "分享至：微信好友 QQ空间",
            "Share this article",
            "Share on Facebook",
            "Tweet this",
        ),
        ("他把心得分享给年轻人", "分享到的经验有三条", "Share prices fell on Friday", "分享会", "分享：三位船工的故事"),
    ),
    Rule(
        "share",
        rf"(?:{_NETWORK}[ ,|/·]+)+{_SERVICE}|(?:{_NETWORK}[ ,|/·]+)*{_SERVICE}(?:[ ,|/·]+{_NETWORK})+",
        ("微信 微博 QQ空间", "Facebook Twitter LinkedIn Email"),
        ("微博上有人转发", "Twitter and Facebook", "点赞、评论的人不多"),
    ),
    Rule(
        "share",
        rf"[\[(]*(?:(?:一键)?分享(?:给|本文|文章|此文|按钮)?|转发|share|tweet|like this|spread the word|{_SERVICE}|(?:{_NETWORK}[ ,|/·]+)+{_NETWORK})[ :\])]*",
        ("分享", "Share", "转发 收藏 评论"),
        ("分享给老人", "Share the bread", "转发了三次"),
        needs="company",
    ),
    Rule(
        "credit",
        rf"[\[( ]*(?:{_CREDITED}[ ,|;)\]]+)*(?:{_SURELY_CREDITED})(?:[ ,|;)\]]+{_CREDITED})*[\]) ]*"
        rf"|[\[(] ?{_CREDIT} {_NAMES}(?: {_CREDIT} {_NAMES}){{0,4}} ?[\])]",
        (
            "（编辑 殷小满）",
            "責(zé)任編輯: 吉政",
            "(責(zé)編:公雪、劉穎婕)",
            "（责任编辑：葛小满　校对：苏未）",
            "责任编辑：路远山　美术编辑：卓晴",
            "编辑：陈平丽 责任编辑：刘亮",
            "责任编辑：",
        ),
        (
            "编辑部的故事：从一间小屋讲起。他说",
            "来源：记者调查发现，这批货没有来源？",
            "记者：谢谢",
            "编辑说：这篇稿子要重写。",
            "策划人李明",
            "编辑 殷小满",
            "责任编辑：这三个字我签了三十年",
        ),
    ),
    Rule(
        "credit",
        rf"[\[( ]*{_CREDITED}(?:[ ,|;)\]]+{_CREDITED})*[\]) ]*",
        ("來(lái)源:歷下頭條", "编辑：陈平丽", "来源：林岸日报", "摄影：路远山"),
        ("来源：他说，没有来源", "编辑：删去第二段。", "摄影展开幕", "出品的影片：三部"),
        needs="edge",
    ),
    Rule(
        "credit",
        rf"[\[(] ?(?:本报|本网|本台|本刊|全媒体|见习|实习|特约|驻{_HAN}{{2,3}})*(?:记者|通讯员|作者|文|图|文/图|图/文)[ :/]{{0,3}}{_NAMES}(?: 文/图| 摄| 摄影| 文| 报道)?"
        rf"(?:[ ,/]+(?:记者|通讯员|实习生)[ :]{{0,3}}{_NAMES})*[\])]"
        rf"|(?:本报|本网|本台|本刊)(?:全媒体|见习|实习|特约|驻{_HAN}{{2,3}})*记者[ :]{{1,3}}{_NAMES}(?: ?通讯员[ :]{{0,3}}{_NAMES})?(?: 文/图| 摄| 摄影| 报道)?",
        ("（记者 张三 李四）", "本报记者 程以恒 通讯员 夏末", "(本报记者 王小明 摄)"),
        ("记者 张三从现场发回报道", "本报记者采访了他", "记者：您好", "（记者在现场看到）他还在等"),
        80,
        "edge",
    ),
    Rule(
        "credit",
        rf"(?:photo|image|picture|video)s?(?: (?:credits?|source|courtesy|by|of))*:? .*(?:getty(?: images)?|reuters|afp|alamy|shutterstock|istock|unsplash|epa|(?:via|/) ?ap|associated press)[ .)]*"
        rf"|reporting by {_WORDS}(?:(?:,| and) {_WORDS}){{0,4}} ?[;,] ?(?:additional )?(?:editing|writing|reporting) by {_WORDS}(?:(?:,| and) {_WORDS}){{0,4}}",
        ("Reporting by A. Smith; Editing by J. Doe", "Photo: Jane Doe/Getty Images"),
        ("Reporting by the paper led to his arrest.", "Photo finish at the derby"),
        160,
    ),
    Rule(
        "credit",
        rf"(?:edited|photos?|photographs?|photography|images?|video|illustrations?) by:? {_WORDS}(?:(?: and| /) {_WORDS})?|(?:photo|image|picture|video) (?:credits?|source|courtesy)(?: of)?:? .{{2,60}}|credit: [^.:]{{2,40}}",
        ("Edited by Jane Doe", "Photo credit: Harbour Archive"),
        (
            "Photo finish at the derby",
            "Photographs by the family will be shown on Friday",
            "Edited by hand, the text grew.",
        ),
        100,
        "company",
    ),
    Rule(
        "copyright",
        rf"[\[( ]*(?:版权(?:声明|所有|归)[^:。]{{0,20}}(?:[:。 ].*)?(?:转载|授权|摘编|镜像|保留.{{0,4}}权利|翻印)|(?:©|\(c\)) ?\d{{4}}(?:[ -]+\d{{4}})?[ ,]+[{_LETTER}.&' -]{{0,40}}(?:all rights.*)?$"
        rf"|(?:©|\(c\)) ?[{_LETTER}.&', -]{{2,50}} ?\d{{4}}(?:[ -]+\d{{4}})?[. ]{{0,2}}(?:all rights.*)?$"
        rf"|copyright (?:©|\(c\)).{{2,160}}|copyright(?: ?\d{{4}}(?:[ -]+\d{{4}})? [{_LETTER}.&' -]{{0,60}}$)|(?:免责|郑重|特别|法律|转载)?声明 ?:.*(?:转载|版权|本网|本站)"
        r"|凡(?:本网|本站|本报|本刊|注明|转载|.{0,40}刊载).*(?:转载|注明.{0,4}来源|稿件)"
        r"|未经.{0,12}(?:授权|许可|允许|同意).{0,12}(?:不得|禁止|严禁|请勿|谢绝).{0,12}(?:转载|摘编|镜像)[。!)\]]*$|本(?:网|站|报|刊)(?:[^讯络].{0,29})?(?:版权|转载自|稿件).*(?:归|请|不得|联系|注明|删除)).*",
        (
            "版权声明:凡临汾日报、临汾新闻网刊载及发布的各类稿件,未经书面授权,任何媒体、网站或自媒不得转载发布。若有违者将依法追究侵权责任。",
            "© 2020 Harbour Post. All rights reserved.",
            "未经授权，不得转载",
            "凡本网注明“来源：林岸日报”的作品，未经授权不得转载。",
        ),
        (
            "他说版权声明写得很清楚。",
            "版权局的负责人表示，未经许可转载他人作品要承担责任。",
            "声明：双方一致认为合作前景广阔。",
            "凡从事生产经营活动的单位和个人，应当在商品包装上注明生产日期",
            "任何单位和个人未经授权，不得进入保护区核心区",
            "任何单位和个人未经许可，不得转载涉密信息。",
            "未经用户同意，网络运营者不得收集、使用个人信息",
            "郑重声明：中国政府在台湾问题上的立场是一贯的",
            "本报讯 一起跨省侵权案昨天宣判，所有货款均被追缴",
            "本文件自发布之日起施行，其中关于侵权责任的规定请各单位执行",
            "Copyright: the law has not kept pace with machines",
            "Copyright 2023 rules took effect on Friday, officials said.",
            "(c) 2020 was the year in which everything changed.",
            "The Copyright Act of 1976 changed that.",
        ),
        400,
    ),
    Rule(
        "copyright",
        r"(?:.*(?:©|\(c\)|copyright|\d{4}).*)?(?:版权所有|all rights reserved)[. )\]]*|.{0,40}(?:©|\(c\)|copyright).*(?:版权所有|all rights reserved).*|© ?\d{4}[ -].*"
        r"|.*(?:icp(?:备|证) ?\d|公网安备|信息网络传播视听节目许可证 ?:?\d|新闻信息服务许可证 ?:?\d|增值电信业务.{0,12}\d|(?:违法|不良)(?:和不良)?信息举报.{0,8}\d).*"
        r"|[^,。:]{0,30}版权所有",
        (
            "中央广播电视总台央视网版权所有",
            "Copyright © 2024 青柘在线 版权所有",
            "All rights reserved.",
            "京ICP备12345678号 京公网安备11000002000001号",
            "违法和不良信息举报电话：12377",
        ),
        (
            "记者从网信办获悉，ICP备案数量去年增长百分之十二",
            "他的公司去年拿到了增值电信业务经营许可证",
            "这家公司说它版权都买齐了",
            "All rights of the workers were discussed",
            "All rights reserved, all lefts forgiven",
        ),
        400,
    ),
    Rule(
        "copyright",
        r"[\[( ]*(?:版权(?:所有|归) ?[: ]?[^,。:]{2,40}|未经.{0,20}(?:授权|许可|允许|同意).{0,12}(?:不得|禁止|严禁|请勿|谢绝).{0,20}(?:转载|摘编|镜像).*|(?:凡|任何单位).*(?:转载.{0,20}(?:本[网站报刊]|注明|来源)|注明.{0,4}来源).*)[\]) ]*",
        ("版权所有 林岸日报社", "任何单位和个人未经许可，不得转载本站内容"),
        ("版权所有：他笑了，又摇摇头。", "版权的事他说不清"),
        200,
        "edge",
    ),
    Rule(
        "metadata",
        rf"[\[( ]*(?:{_MAYBE_STAMP}[ ,|;/\])(]+)*{_STAMP}(?:[ ,|;/\])(]+(?:{_STAMP}|{_MAYBE_STAMP}|\d{{1,8}}))*[\]) |]*"
        rf"|[\[( ]*(?:{_DATE} ?{_TIME})[ ,|;/\])(]+(?:{_SOURCE}|作者) ?: ?{_WHENCE}(?:[ ,|;/\])(]+{_MAYBE_STAMP})*[\]) |]*"
        rf"|[\[( ]*{_SOURCE} ?: ?{_WHENCE}[ ,|;/\])(]+{_DATE} ?{_TIME}(?:[ ,|;/\])(]+{_MAYBE_STAMP})*[\]) |]*",
        (
            "2020-02-10 08:51:38 來(lái)源:臨汾新聞網(wǎng)   瀏覽次數(shù):",
            "加入時間:2020-02-05 09:58 訪問量:3203 信息來源: 珠江商報",
            "来源：央视网 更新时间：2023年08月05日 19:15",
            "2024-05-21 09:36　来源：青柘在线　浏览次数：1847　字号：大 中 小",
            "2020-02-05 09:58 来源：林岸日报",
        ),
        (
            "2020年2月5日",
            "时间：我们最缺的东西。",
            "时间：周六晚七点",
            "评论：现场提问",
            "2月5日12时，台风登陆",
            "日期是下周三",
        ),
        200,
    ),
    Rule(
        "metadata",
        rf"[\[( ]*(?:{_MAYBE_STAMP}[ ,|;/\])(]+)*(?:{_DATE} ?{_TIME}|(?:时间|日期) ?: ?{_DATE} ?(?:{_TIME})?|{_MAYBE_TALLY} ?: ?{_NUMBER})(?:[ ,|;/\])(]+{_MAYBE_STAMP})*[\]) |]*",
        ("2020年02月01日12:15", "2024-04-27 16:20　点击：955", "时间：2024-05-21 09:36", "阅读：1024"),
        ("2020年2月5日", "时间：周六晚七点", "2020年02月01日12:15，地震发生", "热度：三十九度二", "转发：接力 4分02秒"),
        200,
        "edge",
    ),
    Rule(
        "metadata",
        rf"(?:关键词|标签|主题词|文号|标签云)(?:\(.{{0,12}}\))? ?: ?[^:。!?]{{0,60}}|(?:作者|编辑|来源) ?: ?{_WHENCE}|tags?: ?[^.!?]{{0,80}}",
        ("关键词：供水 管网", "标签：", "Tags: harbour, ferry"),
        ("标签贴在瓶上", "Tags hung from the wire."),
        100,
        "company",
    ),
    Rule(
        "metadata",
        rf"(?:(?:first |last )?(?:published|posted|updated|modified|created|reviewed)(?: on| at)?|last (?:updated|modified|edited)(?: on)?|by [{_LETTER}.' -]{{3,40}}[ ,|-]+(?:published|updated))[ :]*{_WHEN}(?:[ |,-]+(?:updated|published)?[ :]*{_WHEN})?(?: by [{_LETTER}.' -]{{3,40}})?"
        rf"|{_DAY}(?: |,| at | \| | - ){{1,2}}{_TIME}.{{0,12}}|\d{{1,3}} ?-?min(?:ute)?s?\.? read|(?:estimated )?read(?:ing)? time:? .{{1,20}}"
        r"|(?:posted|filed|published|tagged)(?: in| under| with): ?.*|(?:updated|posted|published) \d{1,2} (?:minutes?|hours?|days?|weeks?|months?|years?) ago",
        (
            "Published: 5 March 2021",
            "Last updated on March 5, 2021",
            "March 5, 2021 at 5:50 am",
            "5 min read",
            "Posted in: Travel, Food",
        ),
        (
            "March 5, 2021",
            "Published accounts differ.",
            "She read for 5 min",
            "Tagged by the police, he fled.",
            "5 min",
        ),
        120,
    ),
    Rule(
        "metadata",
        rf"(?:date|by [{_LETTER}.' -]{{3,40}}[ ,|-]+)[ :]*{_WHEN}|\d[\d,.]*k? (?:views|shares|likes|followers|replies|votes|points)|(?:categor(?:y|ies)|topics?|labels?|filed under): ?[^.!?]{{0,80}}"
        r"|\d{1,2} (?:minutes?|hours?|days?|weeks?|months?|years?) ago|(?:last )?(?:updated|posted|published)",
        ("1,204 views", "Category: harbour", "3 days ago"),
        ("Twelve views of the bay", "Three days ago he left.", "The category: mains"),
        100,
        "company",
    ),
    Rule(
        "subscribe",
        r"[\[(▶►>* ]*(?:扫一扫(?:.{0,16}(?:二维码|关注|下载|分享))?|扫(?:描|码)?.{0,12}(?:二维码|关注|下载)|长按.{0,12}(?:二维码|识别|关注)(?:.{0,8}(?:关注|订阅)(?:我们)?)?|(?:长按|扫描|扫码)?识别.{0,8}二维码|(?:欢迎|请|敬请|点击|快来)?(?:关注|订阅|添加).{0,24}(?:公众号|微信号|官方微信|官方微博|客户端|头条号|官微|视频号|app)"
        r"|下载.{0,16}(?:客户端|app)|(?:微信)?公众号 ?:.{0,20}|点击(?:上方|下方|蓝字|阅读原文|右上角).{0,30}|更多(?:精彩|资讯|新闻|内容).{0,12}(?:关注|下载|点击|扫码).{0,30})(?:[,!。:].*)?",
        (
            "扫一扫，关注“青柘在线”公众号，每天早上七点把身边事送到您手机里",
            "长按二维码关注我们",
            "下载新闻客户端",
            "点击上方蓝字关注我们",
        ),
        (
            "他扫码付了钱，拎起菜就走",
            "关注民生的微信群里有人发问",
            "下载量超过一亿次",
            "扫一扫就能看，谁还买报纸呢。",
        ),
        100,
        "edge",
    ),
    Rule(
        "subscribe",
        r"(?:sign up (?:for|to) (?:our|the|your|free|daily|weekly|e-?mail).{0,40}(?:newsletters?|updates|alerts|e-?mails?|list)|subscribe to (?:our|the|this) .{0,40}(?:newsletters?|channel|podcast|blog|feed|list)|join our (?:newsletter|mailing list|community|e-?mail list)"
        r"|get (?:the|our|your) .*(?:newsletters?|(?:to|in) your inbox)|follow us on .{2,60}|download (?:the|our) .{0,20}app(?: (?:now|today|here))?|like us on .{2,30}|enter your e-?mail(?: address)?|your e-?mail(?: address)?|newsletter sign ?-?up"
        r"|this site is protected by recaptcha.*|this site uses akismet.*|(?:save my name, )e-?mail,? and website in this browser.*|by (?:entering|providing|submitting) your e-?mail.*"
        r"|sign up (?:now|here|today|free)|subscribe (?:now|here|today))[.!:… »>]*",
        ("Sign up for our newsletter", "Follow us on Twitter", "Enter your email address", "Subscribe now"),
        (
            "He signed up for the navy.",
            "Followers of the sect met",
            "Subscribers to the paper complained",
            "Sign up for the navy, they told him, and see the world.",
            "Follow me, he said, and mind the fourth step.",
        ),
        320,
    ),
    Rule(
        "subscribe",
        r"your e-?mail (?:address )?will not be published.*|required fields are marked.{0,20}|this field is (?:for validation purposes|hidden when viewing the form).*|oops! something went wrong while submitting.{0,40}"
        r"|thank you! your submission has been received!?|(?:sorry|oops)[,!] something went wrong\.?(?: please try again.{0,20})?|there was an error (?:while )?(?:loading|submitting|sending).*|please (?:enable javascript|reload this page|leave this field empty).*"
        r"|you(?: are using| should upgrade or use) an (?:out of date|outdated|alternative) browser.*|your browser (?:does not|doesn't) support.*|press enter to .{3,60}|open sub-navigation close sub-navigation"
        r"|.*(?:this (?:web)?site|we(?: and our .{0,30})?) uses? (?:optional |necessary |essential )?cookies.*|(?:necessary|functional|performance|analytical|advertisement|marketing|other uncategorized|strictly necessary|these|targeting|statistics?) cookies (?:are|help|may|enable|track).*"
        r"|this cookie is (?:set|used) (?:by|to).*|the technical storage or access .*|(?:accept|reject|decline|allow|manage) (?:all )?(?:cookies|consent|preferences)",
        (
            "Your email address will not be published. Required fields are marked *",
            "We use cookies to improve your experience.",
            "Accept all cookies",
        ),
        (
            "She baked cookies for the crew.",
            "His browser was a goat.",
            "Please leave this field to the cows, said the farmer.",
        ),
        600,
    ),
    Rule(
        "subscribe",
        r"(?:follow us|find us on|connect with us|stay (?:connected|in touch|up to date|informed)|get (?:e-?mail )?(?:updates|alerts)|e-?mail address|never miss (?:a|an|another) (?:story|post|update|thing|beat)|unsubscribe|join the (?:conversation|newsletter|mailing list|community)|get the app|sign up (?:for|to) .{2,40}|subscribe (?:to|for) .{2,40})[.!: ]*",
        ("Stay connected", "Unsubscribe", "Get updates"),
        ("Stay connected to the rope, he said", "Never miss a tide", "He could not unsubscribe"),
        80,
        "company",
    ),
    Rule(
        "related",
        rf"[\[(>■▲●◆ ]*{_HEADLINES}[\]) :>»]*",
        ("推薦閱讀", "相關文章:", "相关阅读", "【延伸阅读】", "猜你喜欢"),
        ("相关阅读材料已经印好", "相关规定如下", "推荐他去读书", "最新评论说得在理。"),
        24,
        "edge",
    ),
    Rule(
        "related",
        r"[\[(>■▲●◆ ]*(?:相关|推荐|延伸|扩展|拓展|更多|热门|精彩|关联|最新|往期|热点|今日|图文|编辑|小编|本网|站内|其他|同类)(?:的)?(?:阅读|文章|新闻|报道|链接|推荐|内容|资讯|回顾|专题|热点|稿件|信息|视频|图片|话题|导读|精选|评论)[\]) :>»]*"
        r"|[\[(>■▲●◆ ]*(?:排行榜|推荐)[\]) :>»]*",
        ("热点话题", "精彩评论", "相关链接：", "最新内容"),
        ("相关信息显示", "最新评论说得在理。", "推荐他"),
        24,
        "company",
    ),
    Rule(
        "related",
        r"(?:related (?:articles?|stories|story|posts?|news|content|reading|links?|coverage|items|products|pages|videos?|searches)|you (?:may|might)(?: also)? (?:like|love|enjoy|be interested in|want to read)(?: this| these)?|(?:recommended|suggested) (?:for you|reading|stories|articles|posts|videos)"
        r"|more (?:stories|news|articles|posts|videos|headlines|to (?:read|explore))(?: (?:from|on|in|by) [^.,]{1,30})?|(?:also read|read also):?|(?:most|top|popular|trending|latest|recent|featured|editors?'?s?'?)(?: \w+)? (?:read|viewed|shared|stories|news|articles?|posts?|picks?|choice|comments|headlines|videos?|entries|searches)"
        r"|trending now|don't miss (?:this|these)|from (?:our partners|around the web|the web)|promoted (?:stories|content|links)|similar (?:posts|articles|stories))[ :.…»>]*",
        ("Related Articles", "You may also like", "Most Read", "Trending Now"),
        ("Related parties shall be informed", "Top news of the day was the storm", "You may like it or not"),
        60,
        "edge",
    ),
    Rule(
        "related",
        r"(?:related(?: topics?)?|(?:recommended|suggested)(?: by .{2,20})?|more (?:from|on|in|like|by|about)(?: [^.,]{1,40})?|(?:see|up|what's|watch)(?: more| next| also)|read (?:more|next)|trending|in (?:other news|this section)|promoted|popular(?: now| posts| topics)?|(?:latest|recent|top|featured|most)(?: \w+)?(?: topics| popular| now)|(?:you (?:will|could|would)(?: also)? (?:like|love|enjoy)(?: this| these)?))[ :.…»>]*",
        ("More from Sports", "See also", "Recommended"),
        ("More on this later, he said.", "Related by marriage", "See what happened"),
        60,
        "company",
    ),
    Rule(
        "navigation",
        rf"[\[( <«‹←]*(?:{_MENU}[ |/·»>\])(\[,-]+)*{_BUTTON}(?:[ |/·»>\])(\[,-]+{_MENU})*[\]) >»›→:.…↑]*|[\[( ]*(?:{_MENU} ?[|/·»>\])(\[]+ ?)+{_MENU}[\]) >»|]*|[\[( ]*\[?{_MENU}(?:[\])] ?[\[(] ?{_MENU})+[\]) ]*",
        (
            "【打印】　【关闭窗口】",
            "返回首页",
            "央视网首页 | 央视节目官网首页",
            "Skip to content",
            "Privacy Policy | Terms of Use",
        ),
        ("首页设计大赛开幕", "打印机坏了", "About time", "Help is on the way", "联系我们的人很多"),
        needs="edge",
    ),
    Rule(
        "navigation",
        rf"[\[( <«‹←]*{_MENU}(?:[ |/·»>\])(\[,-]+{_MENU})*[\]) >»›→:.…↑]*",
        ("首页", "Contact Us", "Home | About", "打印"),
        ("首页设计大赛开幕", "打印机坏了", "About time", "Help is on the way", "联系我们的人很多"),
        needs="company",
    ),
    Rule(
        "navigation",
        r"(?:(?:您|你)?(?:现在|当前)?的?(?:所在)?位置(?:是)? ?: ?(?:首页|主页|[^>»›→。]{1,30}[>»›→])[^。]{0,120}|(?:首页|主页|home) ?(?:[>»›→]+ ?[^>»›→。]{1,40}){1,7})",
        ("首页 > 新闻中心 > 民生", "当前位置：首页 > 要闻", "Home » News » Local"),
        ("首页改版了", "位置：城东三里", "Home is where the heart is"),
        200,
    ),
    Rule(
        "navigation",
        r"[^>»›→。]{1,30}(?: ?[>»›→]+ ?[^>»›→。]{1,40}){2,7}"
        r"|(?:上一[篇条页]|下一[篇条页]|前一篇|后一篇)(?:文章|新闻)? ?:.*|上篇(?:文章|新闻)? ?:.* 下篇(?:文章|新闻)? ?:.*|(?:previous|next) (?:post|article|story|page|in .{2,30}) ?(?:[:»«→←>]| - ).*",
        ("上一篇：南门小学的鸽子认得放学铃　下一篇：没有了", "Next post: The bridge", "新闻 > 本地 > 民生"),
        ("上一篇文章他写了三年", "Next week: more rain", "a > b"),
        200,
        "edge",
    ),
    Rule(
        "navigation",
        r"(?:上篇|下篇)(?:文章|新闻)? ?:.*|(?:previous|next) ?(?:[:»«→←>]| - ).*",
        ("上篇：水边的孩子", "Next: Point Hale"),
        ("下篇文章他还没有写", "Next week: more rain"),
        200,
        "company",
    ),
    Rule(
        "navigation",
        r"[-*·> ]{0,4}(?:(?:原文|文章|视频|来源|本文|网页|详细|source|via)(?:链接|地址|网址|出处)?|链接|网址|link|url) ?:? ?(?:\[[^\[\]]{0,80}\] ?\(https?://[^\s]+\)|<?(?:https?://|www\.)[^\s]+>?)[。.]?|[-*·> ]{0,4}\[(?:链接|原文|查看|阅读)[^\[\]]{0,20}\] ?\(https?://[^\s]+\)",
        ("- [链接](https://example.com/2024/03/20/a.shtml)", "原文链接：https://example.com/a?b=1"),
        ("详情见https://example.com/a，报名从速。", "The site www.example.com was hacked"),
        400,
    ),
    Rule(
        "navigation",
        r"[-*·> ]{0,4}(?:\[[^\[\]]{0,80}\] ?\(https?://[^\s]+\)|<?(?:https?://|www\.)[^\s]+>?)[。.]?",
        ("https://example.com/a", "[a page](https://example.com/a)"),
        ("详情见https://example.com/a，报名从速。", "The site www.example.com was hacked"),
        400,
        "edge",
    ),
)


Reader = Callable[[I64], tuple[U8, I64]]
"""Gives the lines of these numbers as rules read them, see `kernel.readings`."""


class Matcher(NamedTuple):
    """Compiled rules, asked all at once."""

    names: tuple[str, ...]
    needs: tuple[str, ...]
    kept: tuple[str, ...]
    sets: _Sets

    def first(self, line: str) -> int:
        """The number of the first rule that matches the whole of a line (as `reading` gives it), -1 for none.

        A rule that is switched off still shields its lines from the rules behind it.
        """
        rule = self.sets.first(line.encode(), len(line))
        return -1 if rule >= 0 and self.names[rule] in self.kept else rule

    def rule_of(self, line: str) -> str | None:
        """The name of that rule."""
        rule = self.first(line)
        return None if rule < 0 else self.names[rule]

    def suspects(self, lines: Outlines, read: Reader) -> tuple[I64, I64]:
        """All lines that some rule might name, and some that none does, with the rule that `first` gives of each.

        A line that is not among these has no name by itself, and an article without such a line no named line at all.

        Args:
            lines: as `kernel.outlines` gives them by `signs`, `beginnings` and `endings`.
            read: gives those that are asked for.

        Returns:
            int64 each: the numbers of the lines, rising, without repetition, and their rules.
        """
        found, rules = self.sets.suspects(lines, read)
        kept = np.flatnonzero([name in self.kept for name in self.names])
        return found, np.where(np.isin(rules, kept), -1, rules) if len(kept) else rules


_FEW_LINES = 20_000  # that were not known, from which on it pays to search many at once
_SHORT = 100  # most bytes of a line that is remembered
_KNOWN = 1 << 15  # most lines that are remembered
_NEW, _CLEAR = -3, -2  # instead of its rule: a line that is not remembered, and one that is not suspect
_DIGITS = bytes.maketrans(b"123456789", b"000000000")


class _Sets:
    """Rules as automata, which are made when they are needed.

    A set of the rules without their counts tells which rules may match a line, and each of those as it is decides: few
    ever do, and a set of all as they are takes three times as long to make. What searches many lines at once takes half
    the time of that, but 0.05 s to make: of tens of thousands of lines.

    Furniture comes again and again, often but for its date: what was found of short lines is remembered, of all that
    differ by digits alone at once where no rule tells digits apart.
    """

    def __init__(self, rules: tuple[tuple[str, str], ...]) -> None:
        self._rules = rules
        own, table = (tuple(map(_folded_pattern, of)) for of in ((of for _, of in rules), (of.pattern for of in RULES)))
        self._patterns = own + table
        self._longest = (_UNBOUNDED,) * len(own) + tuple(rule.longest for rule in RULES)
        self._most = max(self._longest)  # characters of a line beyond which no rule looks at it
        # what is in braces in a user's pattern may be no count
        self._loose_patterns = own + tuple(map(_loose, table)) + tuple(map(_loose, _SEARCHED))
        self._case = not own  # what is read is in lower case, as the table is
        self._wholes: dict[int, Any] = {}
        self._lines = 0
        self._known: dict[bytes, int] = {}

    def first(self, line: bytes, chars: int) -> int:
        """See `Matcher.first`, of a line in UTF-8 and of its length in characters, whatever is switched off."""
        return max(self._rule_of(line, chars), -1)

    def _rule_of(self, line: bytes, chars: int) -> int:
        """The same, _CLEAR where the line is not suspect."""
        # a Set answers None where nothing matches, and in no given order
        suspected = self._loose.Match(line)
        for rule in sorted(suspected or ()) if chars <= self._most else ():
            may_be = rule < len(self._patterns) and chars <= self._longest[rule]
            if may_be and self._whole(rule).Match(line):
                return rule
        return -1 if suspected else _CLEAR

    def _whole(self, rule: int) -> Any:
        """A rule as it is."""
        if rule not in self._wholes:
            self._wholes[rule] = _full_matches([self._patterns[rule]], self._case)
        return self._wholes[rule]

    def suspects(self, lines: Outlines, read: Reader) -> tuple[I64, I64]:
        """See `Matcher.suspects`, whatever is switched off.

        A rule of the table matches only lines that begin or end as its matches do, or hold what they hold; a user's may
        match any.
        """
        may = _may_be_named(lines)
        some = np.arange(len(may)) if self._rules else np.flatnonzero(may)
        utf8, bounds = read(some)
        keys = utf8.tobytes().translate(self._alike).split(b"\n")[:-1]
        rules = np.fromiter(map(self._known.get, keys, repeat(_NEW)), np.int64, len(keys))
        new = np.flatnonzero(rules == _NEW)
        rules[new] = self._rules_of(*kernel.take_segments(utf8, bounds, new), lines.chars[some[new]], may[some[new]])
        fresh = [line for line in new.tolist() if len(keys[line]) < _SHORT][:_KNOWN]
        if len(self._known) + len(fresh) > _KNOWN:
            self._known.clear()
        self._known.update((keys[line], rule) for line, rule in zip(fresh, rules[fresh].tolist(), strict=True))
        found = np.flatnonzero(rules != _CLEAR)
        return some[found], rules[found]

    def _rules_of(self, read: U8, bounds: I64, chars: I64, may: NDArray[np.bool_]) -> I64:
        """What `_rule_of` says of lines, of which the table's rules may name some."""
        self._lines += len(chars)
        which = np.arange(len(chars)) if self._lines <= _FEW_LINES else self._searched(read, bounds, may)
        spans, whole = zip(bounds[which].tolist(), bounds[which + 1].tolist(), strict=True), read.tobytes()
        texts = (whole[start : end - 1] for start, end in spans)
        rules = np.full(len(chars), _CLEAR)
        rules[which] = list(map(self._rule_of, texts, chars[which].tolist()))
        return rules

    def _searched(self, read: U8, bounds: I64, may: NDArray[np.bool_]) -> I64:
        """The numbers of the lines in which rules without their counts are found, in all lines at once; rising."""
        if not self._rules:
            return _found(_search(), read, bounds)
        some = np.flatnonzero(may)
        found = some[_found(_search(), *kernel.take_segments(read, bounds, some))]
        own = _search_own(self._rules)
        return np.arange(len(may)) if own is None else np.union1d(found, _found(own, read, bounds))

    @cached_property
    def _alike(self) -> bytes | None:
        """What makes lines one that no rule tells apart; those of the table take all digits alike."""
        return _DIGITS if all(takes_digits_alike(_folded_pattern(pattern)) for _, pattern in self._rules) else None

    @cached_property
    def _loose(self) -> Any:
        return _full_matches(self._loose_patterns, self._case)


def _full_matches(patterns: Iterable[str], case: bool) -> Any:
    """A re2.Set of folded patterns; those that heed the *case* are made in three quarters of the time."""
    options = _options(case)
    options.max_mem = 64 << 20
    sets = re2.Set.FullMatchSet(options)
    for pattern in patterns:
        sets.Add(pattern)
    sets.Compile()
    return sets


_UNBOUNDED = 2**62
_MARKUP = (
    r"(?:</?[a-zA-Z][^<>]*>|<!--[^<>]*-->|<!\[CDATA\[|\]\]>|&(?:[a-zA-Z]{2,8}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
    r"|[\s\x{a0}\x{3000}\x{200b}\x{feff}])+"
)


def is_markup(line: str) -> bool:
    """Whether a line is only tags and entities.

    >>> is_markup("<br/>&nbsp;</section>"), is_markup("a < b"), is_markup("<b>bold</b>")
    (True, False, False)
    """
    return _markup().fullmatch(line) is not None


@lru_cache(maxsize=1)
def _markup() -> Any:
    return re2.compile(_MARKUP)


@lru_cache(maxsize=16)
def matcher(rules: tuple[tuple[str, str], ...] = (), keep: tuple[str, ...] = ()) -> Matcher:
    """The rules of the table behind a user's own; those that *keep* names name no line.

    Raises:
        BadSettings: a pattern is no RE2; the message names its rule.
    """
    for name, pattern in rules:
        check_pattern(pattern, f"rule {name}")
    names, needs = zip(*[*((name, "") for name, _ in rules), *((rule.name, rule.needs) for rule in RULES)], strict=True)
    return Matcher(names, needs, keep, _sets(rules))


@lru_cache(maxsize=16)
def _sets(rules: tuple[tuple[str, str], ...]) -> _Sets:
    return _Sets(rules)


_SEARCHED = (
    # what only the lines around it can make furniture of: dates that stand alone or end a line, and bars between labels
    r".*\p{Nd}[-/.年] ?\p{Nd}{1,2}[-/.月] ?\p{Nd}{1,2}日?(?: ?\p{Nd}{1,2}:\p{Nd}{2}(?::\p{Nd}{2})?)?[\]) ]*",
    r"(?:[^|]*\|){5}.*",
)
# a count, or what may hold braces that are none: an escape, a character class
_REPETITION = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\]|\{(\d+),(\d*)\}", re.DOTALL)
_FEW = 4  # repetitions that are left to be counted


def _may_be_named(lines: Outlines) -> NDArray[np.bool_]:
    """Whether a line begins or ends as matches of the table's rules do, or holds what they hold.

    Of lines that no rule looks at those are left that may be dates or link farms.
    """
    begins = ((lines.beginnings & BEGINS) > 0) & (lines.chars <= max(rule.longest for rule in RULES))
    return begins | ((lines.signs & _HELD) > 0) | ((lines.endings & DATED) > 0)


def _found(search: Any, read: U8, bounds: I64) -> I64:
    """The numbers of the lines in which a pattern is found."""
    spans = np.array([found.span() for found in search.finditer(read.tobytes())], np.int64).reshape(-1, 2)
    if not len(spans):
        return spans[:, 0]
    # a pattern that matches nothing at all also matches behind the last line, where no line is
    first, last = np.searchsorted(bounds, spans[spans[:, 0] < len(read)].T, side="right") - 1
    found = positions(first, last - first + 1)
    return found[np.diff(found, prepend=-1) > 0]  # the next may begin in the line in which one ends


@lru_cache(maxsize=1)
def _search() -> Any:
    """The rules of the table, and what else makes lines suspect, as one pattern for many lines at once."""
    return _all_lines([*(rule.pattern for rule in RULES), *_SEARCHED], True)


@lru_cache(maxsize=4)
def _search_own(rules: tuple[tuple[str, str], ...]) -> Any:
    """A user's rules as one pattern for all lines at once; None where one means something else amid other lines."""
    patterns = [pattern for _, pattern in rules]
    if any(re.search(r"\\[AzQC]|\(\?[^:]", pattern) for pattern in patterns):
        return None
    return _all_lines(patterns, False)


def _all_lines(patterns: Iterable[str], case: bool) -> Any:
    options = _options(case)
    options.max_mem = 256 << 20
    options.never_nl = True
    alternatives = "|".join(f"(?:{_loose(_folded_pattern(pattern))})" for pattern in patterns)
    return re2.compile(f"(?m)^(?:{alternatives})$".encode(), options)


def _loose(folded: str) -> str:
    """A folded pattern without its counts: it matches what that does, and more."""
    return _REPETITION.sub(_uncounted, folded)


def _uncounted(count: re.Match[str]) -> str:
    """A count as a repetition without end: automata that count are slow."""
    least, most = count[1], count[2]
    if least is None or (most and int(most) <= _FEW):
        return count[0]
    return "*" if int(least) == 0 else "+"


def _options(case: bool = False) -> Any:
    options = re2.Options()
    options.case_sensitive = case
    options.log_errors = False
    return options


def compiled(pattern: str) -> Any:
    """A rule's pattern as it is matched, alone.

    Raises:
        re2.error: it is no RE2 pattern.
    """
    return re2.compile(_folded_pattern(pattern), _options())


def check_pattern(pattern: str, where: str) -> None:
    """Raises BadSettings, beginning with *where*, if *pattern* is no RE2 pattern."""
    try:
        compiled(pattern)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise BadSettings(
            f"{where}: expected an RE2 pattern, found {pattern!r} ({reason}); mend the pattern, RE2 knows neither "
            "look-around nor back references"
        ) from None


@lru_cache(maxsize=256)
def _folded_pattern(pattern: str) -> str:
    """A pattern whose characters beyond ASCII are folded as a line's are: it may be written in either script."""
    codes = codepoints(pattern)
    folded = reading_codes(codes)
    forms: dict[int, str] = {}
    for code, read in zip(codes[folded != codes].tolist(), folded[folded != codes].tolist(), strict=True):
        if code > 0x7F:
            forms[code] = "\\" + chr(read) if chr(read) in r"\.+*?()|[]{}^$" else chr(read) if read else ""
    return pattern.translate(forms) if forms else pattern


_AS_ASCII = {
    ":": "：︰﹕∶",
    "|": "｜│┃丨┊︱¦",
    "[": "【〔〖［「『《〈",
    "]": "】〕〗］」』》〉",
    "(": "（﹙",
    ")": "）﹚",
    '"': "“”„‟",
    "'": "‘’",
    ",": "，",
    "!": "！",
    "?": "？",
    ";": "；",
    "·": "•・‧∙",
    "-": "‐‑‒–—―－",
    ">": "＞",
    "/": "／",
    "。": "｡",
}


@lru_cache(maxsize=1)
def reading_table() -> U32:
    """What each code point is read as; 0 for what is not seen."""
    fold = load()
    table = fold.mapping.copy()
    for first in range(0, len(table), _BLOCK):  # some at a time: in `flagged` it is said why
        some = table[first : first + _BLOCK]
        other = np.flatnonzero(some - np.uint32(1) >= EXPANSION - 1)  # folds to nothing, or to several
        some[other] = first + other
    odd = flagged(SPACE | INVISIBLE)
    table[odd] = np.where(fold.flags[odd] & INVISIBLE, 0, 0x20)
    table[0xFF01:0xFF5F] = np.where(table[0xFF01:0xFF5F] >= 0xFF01, np.arange(0x21, 0x7F), table[0xFF01:0xFF5F])
    for sign, others in _AS_ASCII.items():
        table[list(map(ord, others))] = ord(sign)
    return table


_BLOCK = 1 << 16


@lru_cache(maxsize=1)
def _exchanged() -> I64:
    """The code points that are read as others."""
    table = reading_table()
    blocks = (np.arange(first, first + _BLOCK, dtype=np.uint32) for first in range(0, len(table), _BLOCK))
    return np.concatenate([block[0] + np.flatnonzero(table[block[0] : block[0] + _BLOCK] != block) for block in blocks])


def as_read(told: NDArray[Any]) -> NDArray[Any]:
    """What is *told* of each code point now told of what that is read as: the same array."""
    codes = _exchanged()  # of few: this takes a tenth of the time of all
    told[codes] = told[reading_table()[codes]]
    return told


# Characters with which lines are seen to be something, each chain in a row: a comma; then what matches hold that may
# begin with anything, one chain for each way to hold something rare
_CHAINS = ((",、",), ("|>»›→",), ("权首网视务值息p", "所页安听许电举备证"), tuple("kie"), tuple("eser"))
COMMA = 1
"""The sign of a comma."""
OPENERS = sum(1 << sum(map(len, _CHAINS[:last])) for last in range(len(_CHAINS)))
_CLOSERS = "\"')]"  # may stand behind the last character of a line, which tells what it is
_HELD = sum(1 << sum(map(len, _CHAINS[: last + 1])) - 1 for last in range(1, len(_CHAINS)))


def signs() -> U16:
    """What `kernel.outlines` is told of the code points, with OPENERS, but what is marked."""
    found = np.zeros(0x110000, np.uint16)
    for bit, characters in enumerate(chain.from_iterable(_CHAINS)):
        found[list(map(ord, characters))] |= np.uint16(1 << bit)
    found[0], found[0x20] = UNSEEN, WHITE
    found[list(map(ord, _CLOSERS))] |= np.uint16(CLOSES)
    return as_read(found)


BEGINS, OPENS_MARKUP = 1, 2
"""What is told of a line by its first two characters: that a rule may name it, and that it may be markup."""
DATED = 0x80
"""What is told of a line by its last: that it may be a date."""


_MARKUP_OPENERS = b"<&]"


def beginnings() -> tuple[U16, U8]:
    """The kinds of code points at the beginning of a line, and what is told by two of them."""
    known = Beginnings(_folded_pattern(rule.pattern) for rule in RULES)
    told = np.where(known.may_begin, np.uint8(BEGINS), np.uint8(0))
    told[list(_MARKUP_OPENERS)] |= OPENS_MARKUP
    return as_read(known.kinds), told


def any_beginnings() -> tuple[U16, U8]:
    """The same in a tenth of the time, for few lines: a rule may name any."""
    opens = np.zeros(0x110000, np.uint16)
    opens[list(_MARKUP_OPENERS)] = 1
    told = np.array([[BEGINS] * 2, [BEGINS | OPENS_MARKUP] * 2], np.uint8)
    return as_read(opens), told


def endings(told: U8) -> U8:
    """What is *told* of a line by the last code point before what closes it, and DATED: uint8 [0x110000]."""
    found = told.copy()
    for dated in (flagged(DECIMAL), list(map(ord, "日 "))):
        found[dated] |= DATED
    return as_read(found)


def reading_codes(codes: U32) -> U32:
    """Each code point as it is read, 0 where it is not seen: uint32, as many as *codes*."""
    return reading_table()[codes]


def reading(text: str) -> str:
    """A line as rules see it.

    >>> reading("（責(zé)任編輯：　路遠山）")
    '(责任编辑: 路远山)'
    """
    codes = codepoints(text)
    read = reading_codes(codes)
    for start, end in texts.annotations(text):
        read[start:end] = 0
    return " ".join(read[read > 0].astype("<u4").tobytes().decode("utf-32-le").split())


def read_rules(path: str | Path) -> tuple[tuple[str, str], ...]:
    """A user's rules from a TOML file: `name = "pattern"`, or a list of patterns.

    Raises:
        BadSettings: the file cannot be read, is no TOML, or holds a bad name or pattern; the message names the line.
    """
    import tomllib  # noqa: PLC0415  (a run without such a file need not wait for it)

    try:
        text = Path(path).read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: is no TOML: {error}; write lines like paywall = 'read on for .* a month'") from None
    rules: list[tuple[str, str]] = []
    for name, value in table.items():
        patterns = value if isinstance(value, list) else [value]
        for pattern in patterns:
            if not isinstance(pattern, str):
                raise BadSettings(
                    f"{path}:{_line_of(text, name, '')}: rule {name!r} must be a pattern or a list of patterns, found "
                    f"{pattern!r}; write {name} = 'pattern'"
                )
            check_pattern(pattern, f"{path}:{_line_of(text, name, pattern)}: rule {name}")
            rules.append((name, pattern))
    if not rules:
        raise BadSettings(f"{path}: holds no rule; write lines like paywall = 'read on for .* a month'")
    return tuple(rules)


def _line_of(text: str, name: str, pattern: str) -> int:
    """The number of the line on which a rule's pattern, or else its name, stands."""
    lines = text.splitlines()
    named = next((number for number, line in enumerate(lines) if line.lstrip(" \"'").startswith(name)), 0)
    written = (pattern, pattern.replace("\\", "\\\\").replace('"', '\\"'))
    held = (number for number in range(named, len(lines)) if pattern and any(form in lines[number] for form in written))
    return next(held, named) + 1
