"""The short way: strings go in, the text that repeats nothing comes out.

The second string is the first one in Traditional characters and is left out; the third repeats a paragraph of the
first and loses it; the fourth has the first one's wording but another day's figures, and stays.
"""

import dedup

SIMPLIFIED = """渡口消息：今晨江面起雾，轮渡停航两小时，码头候船室为四百余名旅客送上热水和面包，九点整恢复开船。
渡口管理站提醒，本周清晨仍可能有雾，赶火车的旅客请改走上游的公路桥，或者提前一天过江，以免误了行程。"""
TRADITIONAL = """渡口消息：今晨江面起霧，輪渡停航兩小時，碼頭候船室為四百餘名旅客送上熱水和麵包，九點整恢復開船。
渡口管理站提醒，本週清晨仍可能有霧，趕火車的旅客請改走上游的公路橋，或者提前一天過江，以免誤了行程。"""
QUOTING = """大雾过后，北岸菜市的价格没有波动，菜贩们前一天就把两船白菜运过了江，老主顾们照常提着篮子来挑。
渡口管理站提醒，本周清晨仍可能有雾，赶火车的旅客请改走上游的公路桥，或者提前一天过江，以免误了行程。"""
FIGURES = [
    f"渡口管理站{day}统计，当天运送旅客{people}人，多数是过江赶集的农户和走亲戚的老人，"
    "各码头上下船有人搀扶，救生衣一件不少地收了回来，既没有发生落水事故，也没有旅客滞留在岸边过夜。"
    for day, people in (("3月4日", 8120), ("3月5日", 9377))
]

if __name__ == "__main__":
    for article in dedup.clean([SIMPLIFIED, TRADITIONAL, QUOTING, *FIGURES]):
        print(f"--- {article.id}\n{article.text.strip()}")
