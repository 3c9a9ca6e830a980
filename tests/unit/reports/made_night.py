"""A made night with everything in it, to draw the page of without Spark."""

from __future__ import annotations

import math
from datetime import date

from cdp.reports.facts.audiences import AudienceFacts, DeliveryFacts, SegmentFacts
from cdp.reports.facts.identity import ChangeFacts, GenericFacts, IdentityNight, PeopleFacts, RecordBand, RefusedLinks
from cdp.reports.facts.night import NightFacts, RunFacts
from cdp.reports.facts.purchases import CreditFacts, RecommendationFacts
from cdp.reports.facts.scores import ModelFacts, ProvedFacts, ScoreCell, ScoreFacts
from cdp.reports.facts.sources import RefusalFacts, SetAsideFile, SourceFacts

RUN_DATE = date(2026, 1, 7)


def make_night() -> NightFacts:
    """About what the made company with 5,000 customers gives on its third night."""
    return NightFacts(
        run_date=RUN_DATE,
        run_id="night-5f3c2a",
        currency="EUR",
        sources=_sources(),
        set_aside=(
            SetAsideFile("crm", "crm/2026-01-07/customers_2.csv", "the header has 14 columns, the source declares 15"),
            SetAsideFile("web", "web/2026-01-07/events_3.jsonl.gz", "the gzip stream ends too early"),
        ),
        refusals=(
            RefusalFacts("web", "", "not_json", "the line is not valid JSON", 231, 3120),
            RefusalFacts("web", "timestamp", "bad_time", "the value cannot be read as a time or date", 145, 2011),
            RefusalFacts("email", "email", "missing", "a required field is missing or empty", 61, 402),
            RefusalFacts("pos", "quantity", "wrong_type", "the value cannot be read as the declared type", 33, 1530),
            RefusalFacts("crm", "", "wrong_columns", "the row does not split into the columns of the header", 12, 96),
            RefusalFacts("crm", "birth_date", "out_of_range", "the value lies outside the allowed range", 9, 71),
            RefusalFacts("support", "ticket_id", "missing", "a required field is missing or empty", 0, 7),
        ),
        people=PeopleFacts(active=9214, known=5872, new=143, records=40310, bands=_bands()),
        changes=(
            ChangeFacts("merge", "an identifier value ties their records", 87, 181),
            ChangeFacts("retire", "no record of the person is left", 2, 2),
            ChangeFacts("split", "the value that tied the records became generic", 3, 9),
        ),
        generic_values=(
            GenericFacts("anonymous_id", "ties together too many people, limit 1", 210, 6120, 41),
            GenericFacts("phone", "ties together too many people, limit 1", 96, 231, 5),
            GenericFacts("email", "role address", 14, 188, 12),
            GenericFacts("email", "test or filler address", 9, 95, 0),
            GenericFacts("phone", "filler number", 3, 140, 66),
        ),
        refused_links=(
            RefusedLinks("ties together too many people, limit 1", 812, ("p_c2vn6yqk3x", "p_w7eoa5h2mf")),
            RefusedLinks(
                "policy one_value: most of their records that tell it differ clearly in birth date",
                21,
                ("p_4fksm2zqe6", "p_h3tqd7uvka"),
            ),
        ),
        identity_nights=tuple(_identity_night(day) for day in range(1, 8) if day != 4),
        scores=ScoreFacts(_cells(), 13, "3", "3", "bgnbd+gamma_gamma"),
        models=_models(),
        recommendations=(
            RecommendationFacts("products", "repeat", 4512, 371, 0.141, "chance", "P0117", "2026-01-07"),
            RecommendationFacts("products", "explore", 4512, 204, 0.032, "chance", "P0342", "2026-01-07"),
        ),
        credits=tuple(
            CreditFacts("marketing", "2026-01-07", channel, campaign, _shares(orders), orders * 61.0)
            for channel, campaign, orders in (
                ("email", "welcome", 211.0),
                ("google", "winter_sale", 140.5),
                ("instagram", "", 88.25),
            )
        ),
        segments=tuple(
            SegmentFacts(name, people, people * 180.0)
            for name, people in (
                ("lost", 1011),
                ("champions", 812),
                ("loyal", 604),
                ("at_risk", 571),
                ("hibernating", 402),
                ("new", 310),
                ("promising", 288),
                ("needs_attention", 251),
                ("big_spenders", 190),
            )
        ),
        audiences=(
            AudienceFacts("email_engaged", 1490, 122, 96),
            AudienceFacts("high_value_households", 31, 2, 0),
            AudienceFacts("lapsed_big_spenders", 204, 9, 12),
            AudienceFacts("likely_churners", 377, 41, 33),
            AudienceFacts("loyal_customers", 1416, 18, 7),
            AudienceFacts("newcomers", 310, 64, 51),
        ),
        deliveries=(
            _delivery("email_csv", "lapsed_big_spenders", 151, 53),
            _delivery("email_csv", "likely_churners", 262, 115),
            _delivery("email_jsonl", "newcomers", 221, 89),
            _delivery("loyalty_parquet", "loyal_customers", 1416, 0),
        ),
        runs=_runs(),
    )


def _shares(orders: float) -> tuple[tuple[str, float], ...]:
    return tuple((model, orders * share) for model, share in
                 (("first", 0.9), ("last", 1.1), ("linear", 1.0), ("markov", 1.0), ("shapley", 1.0)))  # fmt: skip


def _identity_night(day: int) -> IdentityNight:
    """One of a week in which the share of impossible people fell when a filler date was found."""
    pairs = {
        "-20": 88_100,
        "-10": 2_310,
        "-5": 811,
        "0": 402 - day,
        "5": 1_903 + day,
        "10": 3_880,
        "20": 2_104,
        "30": 611,
    }
    held = {"0": 214, "5": 1_801, "10": 3_866, "20": 2_104, "30": 611}
    told = {"people_of_several": 2_904 + 9 * day, "impossible_share": 0.011 if day < 5 else 0.004, "links_refused": 833,
            "one_link_share": 0.021 + 0.001 * day, "largest_person": 11, "expected_precision": 0.984,
            "blocking_recall": 0.991} | {f"pairs_from_{low}": n for low, n in pairs.items()}  # fmt: skip
    told |= {f"held_from_{low}": n for low, n in held.items()}
    return IdentityNight(f"2026-01-0{day}", tuple(sorted((name, float(n)) for name, n in told.items())))


def _sources() -> tuple[SourceFacts, ...]:
    return tuple(
        SourceFacts(
            source=name,
            files=files,
            waiting=0,
            repeated=int(name == "pos"),
            quarantined=int(name in ("crm", "web")),
            read=read,
            accepted=read - duplicate - refused,
            duplicate=duplicate,
            refused=refused,
            all_read=read * 30,
            all_accepted=(read - duplicate - refused) * 30,
            all_duplicate=duplicate * 30,
            all_refused=refused * 30,
        )
        for name, files, read, duplicate, refused in (
            ("consents", 1, 96, 0, 0),
            ("crm", 1, 1310, 44, 21),
            ("demographics", 1, 480, 12, 0),
            ("email", 1, 5210, 160, 61),
            ("pos", 2, 3904, 0, 33),
            ("support", 1, 61, 0, 0),
            ("surveys", 1, 38, 1, 0),
            ("web", 4, 12466, 820, 376),
        )
    )


def _bands() -> tuple[RecordBand, ...]:
    counts = ((610, 2711), (1102, 402), (1380, 131), (1211, 60), (701, 22), (690, 14), (150, 2), (26, 0), (2, 0))
    labels = ("1", "2", "3", "4", "5", "6-10", "11-20", "21-50", "> 50")
    return tuple(RecordBand(label, *pair) for label, pair in zip(labels, counts, strict=True))


def _cells() -> tuple[ScoreCell, ...]:
    """Risk in two hills, value about log-normal and lower where the risk is high."""
    cells = []
    for churn_bin in range(20):
        weight = math.exp(-(((churn_bin - 4) / 4) ** 2)) + 1.5 * math.exp(-(((churn_bin - 18) / 2.2) ** 2))
        for value_bin in range(-4, 34):
            centre = 20 - 0.75 * churn_bin
            people = round(70 * weight * math.exp(-(((value_bin - centre) / 4.5) ** 2)))
            if people:
                amount = people * 10 ** ((value_bin + 0.5) / 10)
                segment = "high value, more likely to buy" if value_bin > 12 else "low value, less likely to buy"
                band, least = min(5, 1 + max(0, value_bin) // 6), 10 ** (value_bin / 10)
                churn = people * (churn_bin + 0.5) / 20
                cells.append(ScoreCell(churn_bin, value_bin, people, churn, amount, segment, band, least))
    return (*cells, ScoreCell(19, None, 40, 39.9, 0.0, "low value, less likely to buy", 1))


def _models() -> tuple[ModelFacts, ...]:
    """One training, registered under two names, with metrics by the names that the training gives."""
    metrics = (
        ("churn_auc", 0.8123),
        ("churn_brier", 0.1621),
        ("churn_brier_of_base_rate", 0.2431),
        ("churn_ece", 0.0184),
        ("churn_rate", 0.531),
        ("churn_rate_predicted", 0.523),
        ("last_period_purchases_bias", 0.121),
        ("last_period_spend_bias", 0.134),
        ("last_period_spend_gini", 0.48),
        ("last_period_spend_mae", 41.7),
        ("last_period_spend_spearman", 0.47),
        ("last_period_spend_top10_share", 0.33),
        ("people", 4439.0),
        ("purchases_bias", -0.021),
        ("recency_churn_auc", 0.7402),
        ("spend_bias", -0.034),
        ("spend_coverage", 0.893),
        ("spend_gini", 0.612),
        ("spend_mae", 31.42),
        ("spend_spearman", 0.58),
        ("spend_top10_share", 0.41),
    )
    churn = tuple((444, 0.09 * n - 0.04, 0.088 * n - 0.03 + 0.02 * (n % 3)) for n in range(1, 11))
    spend = tuple((444, 2.0 * 1.6**n, 2.1 * 1.58**n) for n in range(1, 11))
    decided = "AUC 0.812, purchases -2.1% on the later period"
    proved = ProvedFacts("2025-10-08", 13, 4102, (("auc", 0.797), ("brier", 0.17), ("brier_of_base_rate", 0.24)))
    return (
        ModelFacts("churn", "3", "2026-01-05", decided, metrics, churn, proved),
        ModelFacts("ltv", "3", "2026-01-05", decided, metrics, spend),
    )


def _delivery(destination: str, audience: str, members: int, withheld: int) -> DeliveryFacts:
    kind = destination.split("_")[1]
    path = f"exports/{destination}/{audience}/{RUN_DATE}/members.{kind}"
    return DeliveryFacts(destination, audience, "delivered", kind, members, 9, 4, withheld, "9f86d081884c", path)


def _runs() -> tuple[RunFacts, ...]:
    times = (
        ("ingest.land", 3.1),
        ("ingest.accept", 14.8),
        ("identity.collect_identifiers", 4.4),
        ("identity.find_generic_values", 2.6),
        ("identity.link_records", 2.2),
        ("identity.resolve_people", 6.9),
        ("profiles.choose_values", 4.7),
        ("profiles.compute_traits", 5.2),
        ("models.take_snapshots", 2.3),
        ("models.train", 9.4),
        ("models.score", 2.9),
        ("audiences.evaluate", 2.0),
        ("activation.export", 3.3),
    )
    return tuple(RunFacts(job, "done", taken, 1000, "") for job, taken in times)
