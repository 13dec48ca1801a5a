from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.curated import normalise
from knowledge.lexical import Analyzer, LexicalIndex
from knowledge.wording import matter, same_matter

TAKEN_FOR_THE_SAME = 0.92  # answers.curated_similarity as it comes
GROUPED = 0.75  # curation.SIMILAR
SUGGESTED = 0.6  # answers.suggestion_similarity as it comes

SAME = (
    ("退款需要多长时间才能到账？", "退款多久能到账？"),
    ("退款要多久才到账", "退款多久能到账？"),
    ("请问退款一般多久到账？", "退款多久能到账？"),
    ("退款几天能到账？", "退款多久能到账？"),
    ("身份验证要多久？", "身份验证需要多长时间？"),
    ("请问身份验证需要几天？", "身份验证需要多长时间？"),
    ("身份验证大概需要多久呢", "身份验证需要多长时间？"),
    ("怎么取消订阅？", "如何取消订阅？"),
    ("我想取消订阅，怎么办？", "如何取消订阅？"),
    ("怎样才能取消我的订阅", "如何取消订阅？"),
    ("怎样暂停订阅", "如何暂停订阅？"),
    ("怎么注销我的账户？", "如何注销账户？"),
    ("我的账户为什么被冻结了？", "我的账户为何被冻结?"),
    ("为什么我的账户被冻结？", "我的账户为何被冻结?"),
    ("为什么冻结我的账户？", "我的账户为何被冻结?"),
    ("我忘记密码了怎么办", "忘记密码怎么办？"),
    ("忘记了密码，怎么办？", "忘记密码怎么办？"),
    ("有没有免费试用？", "有免费试用吗？"),
    ("请问你们有免费试用吗", "有免费试用吗？"),
    ("提现需要多久到账", "提现多久能到账？"),
    ("提现什么时候能到账？", "提现多久能到账？"),
    ("怎么更换提现的银行账户？", "如何更换提现的银行账户？"),
    ("你们支持哪些付款方式？", "支持哪些付款方式？"),
    ("能不能用美元或英镑收款？", "可以用美元或英镑收款吗？"),
    ("怎么邀请团队成员", "如何邀请团队成员？"),
    ("怎样导出我的全部数据？", "如何导出我的全部数据？"),
    ("我的数据存放在什么地方？", "我的数据存放在哪里？"),
    ("收到了可疑邮件怎么办", "收到可疑邮件怎么办？"),
    ("API的请求频率限制是多少", "API 的请求频率限制是多少？"),
    ("开户要准备什么材料？", "开户需要准备哪些材料？"),
    ("是否必须开启两步验证？", "必须开启两步验证吗？"),
    ("账户怎么被冻结了", "我的账户为何被冻结?"),
    ("可不可以不交押金？", "可以不交押金吗？"),
    ("我要怎么取消订阅？", "怎样才能取消订阅？"),
    ("订单被取消了怎么办", "我的订单被取消怎么办？"),
    ("退款已经到账了吗？", "退款到账了吗？"),
)
OTHER = (
    ("退款需要多长时间才能到账？", "身份验证需要多长时间？"),
    ("退款需要多长时间才能到账？", "提现多久能到账？"),
    ("提现需要多久到账", "退款多久能到账？"),
    ("我可以修改已经发送的发票吗？", "我的账户为何被冻结?"),
    ("公司的总裁是谁？", "我的账户为何被冻结?"),
    ("公司的总裁是谁？", "可以用中文联系客服吗？"),
    ("账户被锁定了怎么办？", "忘记密码怎么办？"),
    ("账户被锁定了怎么办？", "我的账户为何被冻结?"),
    ("账户被冻结了怎么办？", "我的账户为何被冻结?"),
    ("如何取消订阅？", "如何暂停订阅？"),
    ("如何暂停订阅？", "如何取消订阅？"),
    ("如何取消邀请？", "如何取消订阅？"),
    ("如何开通账户？", "如何注销账户？"),
    ("为什么取消订阅？", "如何取消订阅？"),
    ("退款多少能到账？", "退款多久能到账？"),
    ("退款时手续费会退还吗？", "退款多久能到账？"),
    ("退款为什么还没到账？", "退款多久能到账？"),
    ("退款手续费是多少？", "银行卡收款的手续费是多少？"),
    ("银行卡付款的手续费是多少？", "银行卡收款的手续费是多少？"),
    ("银行卡收款的限额是多少？", "银行卡收款的手续费是多少？"),
    ("周末和节假日可以退款吗？", "周末和节假日可以提现吗？"),
    ("周末和节假日可以联系客服吗？", "周末和节假日可以提现吗？"),
    ("如何删除提现的银行账户？", "如何更换提现的银行账户？"),
    ("如何更换退款的银行账户？", "如何更换提现的银行账户？"),
    ("可以用美元或英镑付款吗？", "可以用美元或英镑收款吗？"),
    ("可以用日元或英镑收款吗？", "可以用美元或英镑收款吗？"),
    ("不能用美元或英镑收款吗？", "可以用美元或英镑收款吗？"),
    ("可以用英文联系客服吗？", "可以用中文联系客服吗？"),
    ("如何移除团队成员？", "如何邀请团队成员？"),
    ("如何删除我的全部数据？", "如何导出我的全部数据？"),
    ("谁能看到我的数据？", "我的数据存放在哪里？"),
    ("不开启两步验证可以吗？", "必须开启两步验证吗？"),
    ("如何开启两步验证？", "必须开启两步验证吗？"),
    ("手机丢了怎么办？", "手机丢了，无法进行两步验证怎么办？"),
    ("为什么我还没有收到发票？", "为什么我还没有收到提现？"),
    ("为什么我收到了提现？", "为什么我还没有收到提现？"),
    ("有免费套餐吗？", "有免费试用吗？"),
    ("支持哪些语言？", "支持哪些付款方式？"),
    ("发票发出前能修改吗？", "发票发出后还能修改吗？"),
    ("今天北京的天气怎么样？", "忘记密码怎么办？"),
    ("怎么办？", "忘记密码怎么办？"),
    ("企业开户需要准备哪些材料？", "开户需要准备哪些材料？"),
    (
        "上个月发给荷兰那家客户公司的用欧元结算的发票怎么改成用美元结算",
        "上个月发给荷兰那家客户公司的用欧元结算的发票怎么改成用英镑结算",
    ),
)

APART = (  # of the same words: what was done, what one may, what one must
    ("订单被取消了怎么办", "订单怎么取消"),
    ("订单取消了怎么办", "订单怎么取消"),
    ("订单怎么取消了", "订单怎么取消"),
    ("我的订阅被取消了，怎么办", "订阅如何取消"),
    ("账号被注销了怎么办", "账号怎么注销"),
    ("账号被注销怎么办", "账号怎么注销"),
    ("订单会被取消吗", "订单会取消吗"),
    ("要取消吗", "能取消吗"),
    ("要不要取消", "能不能取消"),
    ("会取消吗", "能取消吗"),
    ("需要付款吗", "可以付款吗"),
    ("什么时候需要付款", "什么时候可以付款"),
    ("智能手机要退吗", "智能手机能退吗"),
    ("可以退款吗", "退款了吗"),
    ("是否已经退款", "是否可以退款"),
    ("可以不交押金吗", "不可以交押金吗"),
    ("押金退了吗", "押金可以退吗"),
)


@pytest.mark.parametrize(("asked", "known"), SAME)
def test_another_wording_of_a_chinese_question_asks_the_same(asked: str, known: str) -> None:
    assert same_matter(normalise(asked), normalise(known)) >= TAKEN_FOR_THE_SAME


@pytest.mark.parametrize(("asked", "known"), OTHER)
def test_another_chinese_question_is_not_taken_for_the_same(asked: str, known: str) -> None:
    assert same_matter(normalise(asked), normalise(known)) < TAKEN_FOR_THE_SAME


@pytest.mark.parametrize(("asked", "known"), APART)
def test_what_is_done_may_be_and_must_be_are_not_even_grouped(asked: str, known: str) -> None:
    assert same_matter(normalise(asked), normalise(known)) < GROUPED


@pytest.mark.parametrize(("one", "other"), [*SAME, *OTHER, *APART])
def test_it_is_the_same_from_either_side(one: str, other: str) -> None:
    one, other = normalise(one), normalise(other)
    assert same_matter(one, other) == same_matter(other, one)


def test_a_question_that_says_more_is_near_without_being_the_same() -> None:
    assert SUGGESTED <= same_matter("免费试用期有多少天", "免费试用有多少天") < TAKEN_FOR_THE_SAME


@pytest.mark.parametrize(("one", "other"), [("怎么办", "怎么办"), ("", ""), ("สวัสดี", "สวัสดี")])
def test_equal_questions_ask_the_same_whatever_is_left_of_them(one: str, other: str) -> None:
    assert same_matter(one, other) == 1.0


@pytest.mark.parametrize(("one", "other"), [("怎么办", "怎么样"), ("怎么办", "忘记密码怎么办"), ("", "怎么办")])
def test_questions_without_a_matter_ask_nothing_that_is_the_same(one: str, other: str) -> None:
    assert same_matter(one, other) == 0.0


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    return Analyzer(cache_folder=tmp_path_factory.mktemp("segmenter")).words


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("公司的总裁是谁？", "公司总裁"),
        ("如何申请信用卡？", "申请信用卡"),
        ("请问 API 的限制是多少？", "API限制"),
        ("目的地怎么改", "目的地改"),
        ("我国的税率", "我国税率"),
        ("的士票丢了", "的士票丢了"),
        ("吧台在哪里", "吧台在"),
        ("我们的是非题", "是非题"),
        ("怎么办？", "怎么办"),
        ("How much is it?", "Howmuchisit"),
    ],
)
def test_the_matter_is_what_is_left_without_the_words_that_only_ask(
    question: str, rest: str, words: Callable[[str], list[str]]
) -> None:
    assert "".join(letter for letter in matter(question, words) if letter.isalnum()) == rest


def test_a_word_with_a_particle_in_it_is_found(tmp_path: Path) -> None:
    index = LexicalIndex(Analyzer(cache_folder=tmp_path))
    index.update(added={1: "目的地在行程页面修改", 2: "地址改在周一，题目也改"})
    assert index.search(matter("我的目的地怎么变更", index.words), 2).ids.tolist() == [1]
