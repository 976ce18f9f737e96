"""Payment notifications (wire §5): signed, encrypted, repeated until taken, the same id each time."""

import json
import time

from support import number, order, place, sdk


def test_r_ops_19_a_paid_order_is_notified_and_the_sdk_decrypts_it(server, receiver):
    pay = sdk(server, notify_url=receiver.url)
    mine = number("notify")
    _, placed = place(pay, mine, 250, attach="shelf 7")
    assert server.pay(code_url=placed["code_url"]).status_code == 200

    headers, body = receiver.next()
    notification = pay.callback(headers, body)
    assert notification, "the SDK refused the notification's signature"
    assert notification["event_type"] == "TRANSACTION.SUCCESS"
    assert notification["resource_type"] == "encrypt-resource"
    assert 1 <= len(notification["id"]) <= 36
    assert 1 <= len(notification["summary"]) <= 64
    assert notification["resource"] == order(pay, mine), "the notification tells what a query tells"
    assert headers["Content-Type"].startswith("application/json")
    assert json.loads(pay.decrypt_callback(headers, body)) == notification["resource"]


def test_a_notification_changed_on_the_way_is_refused_by_the_sdk(server, receiver):
    pay = sdk(server, notify_url=receiver.url)
    _, placed = place(pay)
    server.pay(code_url=placed["code_url"])
    headers, body = receiver.next()
    assert pay.callback(headers, body)
    assert pay.callback(headers, body.replace("TRANSACTION", "TRANSACTIOM")) is None


def test_a_refused_notification_comes_again_with_the_same_id_and_a_new_signature(server, receiver):
    receiver.statuses.put(500)
    pay = sdk(server, notify_url=receiver.url)
    mine = number("retry")
    _, placed = place(pay, mine)
    assert server.pay(code_url=placed["code_url"]).status_code == 200

    first_headers, first_body = receiver.next()
    started = time.monotonic()
    second_headers, second_body = receiver.next(patience_s=40)
    waited = time.monotonic() - started
    assert waited >= 14, f"the first repeat comes after 15 s, not after {waited:.1f} s"
    first, second = pay.callback(first_headers, first_body), pay.callback(second_headers, second_body)
    assert first and second
    assert first["id"] == second["id"]
    assert first["resource"] == second["resource"]
    assert first_headers["Wechatpay-Nonce"] != second_headers["Wechatpay-Nonce"]
    assert int(second_headers["Wechatpay-Timestamp"]) - int(first_headers["Wechatpay-Timestamp"]) >= 14

    for _ in range(100):
        (listed,) = server.notifications(mine)
        if listed["attempts"] == 2:
            break
        time.sleep(0.1)
    assert listed["attempts"] == 2
    assert listed["id"] == first["id"]
    assert listed["event_type"] == "TRANSACTION.SUCCESS"
    assert listed["url"] == receiver.url


def test_a_dead_address_delays_nobody(server, receiver):
    dead = sdk(server, notify_url="http://127.0.0.1:9/notify")
    live = sdk(server, notify_url=receiver.url)
    for _ in range(20):
        _, placed = place(dead)
        assert server.pay(code_url=placed["code_url"]).status_code == 200
    _, placed = place(live)
    assert server.pay(code_url=placed["code_url"]).status_code == 200
    receiver.next(patience_s=5)


def test_one_payment_makes_one_notification(server, receiver):
    pay = sdk(server, notify_url=receiver.url)
    mine = number("once")
    _, placed = place(pay, mine)
    server.pay(code_url=placed["code_url"])
    server.pay(code_url=placed["code_url"])
    receiver.next()
    time.sleep(1)
    assert receiver.came.empty()
    assert len(server.notifications(mine)) == 1
