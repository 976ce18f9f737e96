"""Bills through the SDK's own methods: asked for, fetched, checked against their hash and against the orders.

The platform's clock is moved to the next morning, so these tests have a server of their own.
"""

import csv
import gzip
import hashlib
import json
from datetime import date, datetime, timedelta, timezone

import pytest
import requests
from support import PATIENCE_S, Server, feiqian, number, place, sdk

BEIJING = timezone(timedelta(hours=8))


@pytest.fixture(scope="module")
def morning():
    """Orders paid on one day, and the server at 11:00 of the next: (server, SDK, the day, amounts by number)."""
    server = Server()
    try:
        pay = sdk(server)
        # Midnight must not fall between the orders: they are paid early on a day of their own.
        now = datetime.now(BEIJING)
        tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), BEIJING)
        advance(server, tomorrow + timedelta(hours=1) - now)
        paid = {}
        for total in (1, 100, 1280, 99999):
            mine = number("BILL")
            status, placed = place(pay, mine, total, description="一壶龙井,两碟`瓜子")
            assert status == 200, placed
            assert server.pay(code_url=placed["code_url"]).status_code == 200
            paid[mine] = total
        status, _ = place(pay, number("UNPAID"), 500)
        assert status == 200
        advance(server, timedelta(hours=34))
        yield server, pay, tomorrow.date().isoformat(), paid
        server.must_prove()
        server.stop()
    finally:
        server.forget()


def advance(server, by: timedelta):
    answer = server.post("/sandbox/v1/clock", {"advance_seconds": int(by.total_seconds())})
    assert answer.status_code == 200, answer.text


def fetched(pay, asked) -> bytes:
    """The plain file behind an answer, its hash checked."""
    status, text = asked
    assert status == 200, text
    link = json.loads(text)
    assert set(link) == {"hash_type", "hash_value", "download_url"}
    status, file = pay.download_bill(link["download_url"])
    assert status == 200, file
    plain = gzip.decompress(file) if file[:2] == b"\x1f\x8b" else file
    assert link["hash_type"] == "SHA1"
    assert hashlib.sha1(plain).hexdigest() == link["hash_value"]
    return plain


def table(plain: bytes) -> tuple[list[dict], dict]:
    """Rows and summary, as a merchant's own program would read them."""
    text = plain.decode("utf-8-sig")
    assert text.endswith("\r\n")
    lines = text.split("\r\n")[:-1]
    rows = [line[1:].split(",`") if line.startswith("`") else next(csv.reader([line])) for line in lines]
    header, summary_header, summary = rows[0], rows[-2], rows[-1]
    detail = [dict(zip(header, row, strict=True)) for row in rows[1:-2]]
    return detail, dict(zip(summary_header, summary, strict=True))


def fen(yuan: str) -> int:
    whole, part = yuan.split(".")
    sign = -1 if whole.startswith("-") else 1
    return int(whole) * 100 + sign * int(part[:2])


def test_r_fin_12_a_trade_bill_has_every_paid_order(morning):
    _, pay, day, paid = morning
    plain = fetched(pay, pay.trade_bill(bill_date=day))
    rows, summary = table(plain)
    assert {row["商户订单号"]: fen(row["订单金额"]) for row in rows} == paid
    assert [len(rows[0]), len(summary)] == [27, 7]
    assert all(row["交易时间"].startswith(day) for row in rows)
    assert {row["商品名称"] for row in rows} == {"一壶龙井,两碟'瓜子"}
    assert summary["总交易单数"] == str(len(paid))
    assert fen(summary["订单总金额"]) == sum(paid.values())
    fees = sum(fen(row["手续费"]) for row in rows)
    assert fen(summary["手续费总金额"]) == fees > 0
    orders = {row["商户订单号"]: row["微信订单号"] for row in rows}
    for mine, transaction_id in orders.items():
        status, text = pay.query(out_trade_no=mine)
        assert json.loads(text)["transaction_id"] == transaction_id
    assert fetched(pay, pay.trade_bill(bill_date=day, tar_type="GZIP")) == plain
    success, _ = table(fetched(pay, pay.trade_bill(bill_date=day, bill_type="SUCCESS")))
    assert len(success[0]) == 20 and len(success) == len(paid)


def test_r_fin_12_a_fund_flow_bill_follows_the_balance(morning):
    _, pay, day, paid = morning
    rows, summary = table(fetched(pay, pay.fundflow_bill(bill_date=day)))
    balance = 0
    for row in rows:
        change = fen(row["收支金额(元)"]) * (1 if row["收支类型"] == "收入" else -1)
        balance += change
        assert fen(row["账户结余(元)"]) == balance, row
    assert fen(summary["收入金额"]) == sum(paid.values())
    assert summary["收入笔数"] == f"{len(paid)}.0"


def test_a_plain_file_is_streamed_with_its_length(morning):
    server, pay, day, _ = morning
    status, text = pay._core.request(f"/v3/bill/tradebill?bill_date={day}")
    assert status == 200, text
    link = json.loads(text)
    path = link["download_url"].removeprefix(server.base_url)
    assert path.startswith("/v3/billdownload/file?token=")
    status, plain = pay._core.request(path, skip_verify=True)
    assert status == 200 and plain[:3] == b"\xef\xbb\xbf"
    unsigned = requests.get(link["download_url"], timeout=PATIENCE_S)
    assert unsigned.status_code == 401, "the request must be signed"


def test_what_is_not_there_is_told_by_its_code(morning):
    _, pay, day, _ = morning
    first = date.fromisoformat(day)

    def code(asked) -> tuple[int, str]:
        status, text = asked
        return status, json.loads(text)["code"]

    assert code(pay.trade_bill(bill_date=day, bill_type="REFUND")) == (400, "NO_STATEMENT_EXIST")
    assert code(pay.trade_bill(bill_date=str(first - timedelta(days=1)))) == (400, "NO_STATEMENT_EXIST")
    assert code(pay.trade_bill(bill_date=str(first + timedelta(days=1)))) == (400, "PARAM_ERROR")
    assert code(pay.fundflow_bill(bill_date=day, account_type="OPERATION")) == (400, "NO_STATEMENT_EXIST")
    assert code(pay.trade_bill(bill_date="yesterday")) == (400, "PARAM_ERROR")


def test_an_export_is_the_same_bill(morning, tmp_path):
    server, pay, day, _ = morning
    plain = fetched(pay, pay.trade_bill(bill_date=day))
    # A command line knows a sandbox's moved clock by its newest record.
    assert place(pay, number("LATER"), 100)[0] == 200
    one = tmp_path / "bill.csv"
    data, mchid = str(server.data), server.sandbox["mchid"]
    made = feiqian("bill", "--data", data, "--mchid", mchid, "--date", day, "--to", str(one))
    assert made.returncode == 0, made.stderr
    assert one.read_bytes() == plain
    again = feiqian("bill", "--data", data, "--mchid", mchid, "--date", day, "--to", str(one))
    assert again.returncode == 1 and "exists already" in again.stderr
    made = feiqian("bill", "--data", data, "--date", day, "--kind", "fund-basic", "--to", str(tmp_path / "all"))
    assert made.returncode == 0, made.stderr
    assert [path.name for path in (tmp_path / "all").iterdir()] == [f"{mchid}-{day}-fund-basic.csv"]
    none = feiqian("bill", "--data", data, "--mchid", mchid, "--date", "2020-01-01", "--to", str(tmp_path / "none"))
    assert none.returncode == 1 and "nothing of the kind" in none.stderr
