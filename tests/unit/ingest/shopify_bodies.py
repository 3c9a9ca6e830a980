"""Bodies of Shopify's webhooks besides orders: right ones with what must come of them, and wrong ones."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.ingest.event_records import NUMBERS, Reasons, dump, order

TIME, LATER = "2026-01-04T05:00:00-05:00", "2026-01-04T11:00:00Z"
LINE = {
    "quantity": 1, "subtotal": 195.66, "location_id": 9, "restock_type": "return",
    "line_item": {"product_id": 63, "title": "IPod", "price": "199.00"},
}  # fmt: skip


#: Lines of 10.00 with 2.50 taken off, as Shopify says it: for each discount, in all, or both.
DISCOUNTED = [
    {"product_id": n, "quantity": 1, "price": "10.00", **discounts}
    for n, discounts in enumerate((
        {"total_discount": "0.00", "discount_allocations": [{"amount": "2.00"}, {"amount": "0.50"}]},
        {"total_discount": "2.50", "discount_allocations": []},
        {"total_discount": "2.50", "discount_allocations": [{"amount": "2.50"}]},
        {"discount_allocations": [{"amount": "2.50"}]},
    ))
]  # fmt: skip


def consent(state: str, at: str | None = "2026-01-02T10:00:00Z") -> dict[str, Any]:
    return {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at}


def customer(**changes: Any) -> bytes:
    home = {
        "address1": "151 O'Connor Street",
        "city": "Ottawa",
        "province_code": "ON",
        "zip": "K2P",
        "country_code": "CA",
    }
    whole = {
        "id": next(NUMBERS), "created_at": TIME, "updated_at": TIME, "first_name": "Bob", "last_name": "Biller",
        "email": "Bob@Example.com", "phone": "+16135550123", "addresses": [], "default_address": home,
    }  # fmt: skip
    return dump(whole, changes)


def refund(**changes: Any) -> bytes:
    whole = {"id": next(NUMBERS), "order_id": 5, "created_at": TIME, "refund_line_items": [LINE]}
    return dump(whole, changes)


def with_topic(topic: str, body: bytes) -> bytes:
    about = {"receivedAt": "2026-01-04T10:00:09Z", "collector": {"headers": {"x-shopify-topic": topic}}}
    return json.dumps({**json.loads(body), **about}).encode()


#: The body, the name of its event, its order lines, customer records and consents.
GOOD: list[tuple[bytes, str, int, int, int]] = [
    (customer(), "Customer Created", 0, 1, 0),
    (
        customer(email_marketing_consent=consent("subscribed"), sms_marketing_consent=consent("unsubscribed", None)),
        "Customer Created", 0, 1, 2,
    ),
    (customer(updated_at=LATER, email_marketing_consent=consent("pending")), "Customer Updated", 0, 1, 0),
    (b'{"id": 7, "addresses": [], "admin_graphql_api_id": "gid://shopify/Customer/7"}', "Customer Deleted", 0, 1, 0),
    (dump({"customer_id": 7, "email_marketing_consent": consent("unsubscribed")}, {}), "Consent Updated", 0, 0, 1),
    (dump({"id": 7, "sms_marketing_consent": consent("subscribed")}, {}), "Consent Updated", 0, 0, 1),
    (dump({"id": 7, "sms_marketing_consent": consent("unsubscribed")}, {}), "Consent Updated", 0, 0, 1),
    (refund(), "Order Refunded", 1, 0, 0),
    (refund(refund_line_items=[]), "Order Refunded", 0, 0, 0),
    (order(line_items=DISCOUNTED), "Order Completed", 4, 0, 0),
    (order(abandoned_checkout_url="https://x"), "Checkout Started", 0, 0, 0),
    (with_topic("customers/update", customer(first_name=None, addresses=None)), "Customer Created", 0, 1, 0),
    (with_topic("orders/create", order()), "Order Completed", 1, 0, 0),
]  # fmt: skip
BAD: list[tuple[bytes, Reasons]] = [
    (
        customer(id=False, updated_at="x", first_name=5, email_marketing_consent=consent("maybe", "soon")),
        {("id", "wrong_type"), ("updated_at", "bad_time"), ("first_name", "wrong_type"),
         ("email_marketing_consent.state", "unknown_value"),
         ("email_marketing_consent.consent_updated_at", "bad_time")},
    ),
    (customer(updated_at="2999-01-01T00:00:00Z"), {("updated_at", "out_of_range")}),
    (dump({"email_marketing_consent": consent("subscribed")}, {}), {("customer_id", "missing")}),
    (
        customer(default_address={"city": {"x": 1}, "zip": 40202}, email_marketing_consent={"state": 5}),
        {("default_address.city", "wrong_type"), ("default_address.zip", "wrong_type"),
         ("email_marketing_consent.state", "wrong_type")},
    ),
    (
        dump({"customer_id": 7, "email_marketing_consent": {"opt_in_level": "single_opt_in"}}, {}),
        {("email_marketing_consent.state", "missing")},
    ),
    (dump({"customer_id": 7, "email_address": "a@example.com"}, {}), {("email_marketing_consent", "missing")}),
    (
        dump({"customer_id": 7, "email_address": "a@example.com", "email_marketing_consent": "yes"}, {}),
        {("email_marketing_consent", "wrong_type")},
    ),
    (refund(refund_line_items=[{**LINE, "line_item": "x"}]), {("refund_line_items.line_item", "wrong_type")}),
    (b'{"id": 820982911946154508}', {("", "unknown_call")}),
    (b"{}", {("", "unknown_call")}),
    (
        refund(order_id=None, refund_line_items=[{**LINE, "quantity": -1, "subtotal": "x"}]),
        {("order_id", "missing"), ("refund_line_items.quantity", "out_of_range"),
         ("refund_line_items.subtotal", "wrong_type")},
    ),
    (with_topic("products/update", order()), {("collector.headers.x-shopify-topic", "unknown_call")}),
    *(
        (order(**other), {("", "unknown_call")})
        for other in (
            {"invoice_url": "https://x"}, {"order_id": 5}, {"id": "a1", "token": "a1"}, {"shop_domain": "x.example"},
            {"admin_graphql_api_id": "gid://shopify/Product/1"},
        )
    ),
]  # fmt: skip
