"""What the page of a night shows, as plain frozen data: counts and sums only, and a few person ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class SourceFacts:
    """One source: what it delivered tonight, and over all nights up to tonight (``all_*``).

    Counts are records, ``files`` are files whose newest state is accepted, ``waiting`` those that are landed and not
    yet decided on, ``repeated`` files whose content came before, ``quarantined`` files set aside whole.
    """

    source: str
    files: int = 0
    waiting: int = 0
    repeated: int = 0
    quarantined: int = 0
    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    all_read: int = 0
    all_accepted: int = 0
    all_duplicate: int = 0
    all_refused: int = 0

    @property
    def unaccounted(self) -> int:
        """Records read, but neither accepted nor duplicate nor refused; anything but 0 is a fault (all nights)."""
        return self.all_read - self.all_accepted - self.all_duplicate - self.all_refused


@dataclass(frozen=True)
class SetAsideFile:
    """A file that was quarantined tonight: where it lies below the input folder, and why."""

    source: str
    path: str
    reason: str


@dataclass(frozen=True)
class SchemaChangeFacts:
    """A field that came, went or changed tonight; see ops.schema_changes."""

    source: str
    field: str
    kind: str
    type: str
    type_before: str
    renamed: str
    is_mapped: bool


@dataclass(frozen=True)
class RefusalFacts:
    """Refused records of one source with one defect in one field; a record with two defects counts in two rows."""

    source: str
    field: str
    code: str
    message: str
    records: int
    all_records: int


@dataclass(frozen=True)
class RecordBand:
    """People with a number of records in a band, e.g. ``3`` or ``6-10``."""

    label: str
    known: int
    anonymous: int


@dataclass(frozen=True)
class PeopleFacts:
    """Who there is: active people, the known among them (named by more than a device), and those new tonight."""

    active: int = 0
    known: int = 0
    new: int = 0
    records: int = 0
    bands: tuple[RecordBand, ...] = ()

    @property
    def anonymous(self) -> int:
        """Active people of whom only a device or a card is known."""
        return self.active - self.known


@dataclass(frozen=True)
class ChangeFacts:
    """Merges, splits or retirements of tonight with one reason; ``people`` took part in them."""

    kind: str
    reason: str
    changes: int
    people: int


@dataclass(frozen=True)
class GenericFacts:
    """Identifier values of one type kept out of the graph for one reason. The values themselves are personal data."""

    identifier_type: str
    reason: str
    values: int
    records: int
    most_people: int


@dataclass(frozen=True)
class RefusedLinks:
    """Links that were refused for one reason, and a few people whose records they touch."""

    reason: str
    links: int
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class IdentityNight:
    """The measures of ops.identity_measures of one night, by name."""

    run_date: str
    measures: tuple[tuple[str, float], ...]

    def measure(self, name: str, otherwise: float) -> float:
        """One measure; `otherwise` where the night does not have it."""
        return dict(self.measures).get(name, otherwise)

    @property
    def weights(self) -> tuple[tuple[int, int, int], ...]:
        """(from so many bits, pairs within people, pairs that were cut), of the steps from 0 on that have any."""
        found = dict(self.measures)
        steps = sorted(int(name.removeprefix("pairs_from_")) for name in found if name.startswith("pairs_from_"))
        held = [(low, round(found.get(f"held_from_{low}", 0))) for low in steps if low >= 0]
        bins = [(low, n, round(found[f"pairs_from_{low}"]) - n) for low, n in held]
        return tuple(bins) if any(n or cut for _, n, cut in bins) else ()


@dataclass(frozen=True)
class ScoreCell:
    """People by churn and value, as of tonight.

    ``churn_bin`` b: churn in [b/20, (b+1)/20), the last one closed. ``value_bin`` b: expected value in
    [10^(b/10), 10^((b+1)/10)), None below 0.01. ``value`` is the sum over the people, ``least`` the least of them; None
    bins: not scored. ``segment`` and ``value_band`` are those of gold.predictions.
    """

    churn_bin: int | None
    value_bin: int | None
    people: int
    churn: float
    value: float
    segment: str = ""
    value_band: int | None = None
    least: float = 0.0


@dataclass(frozen=True)
class ScoreFacts:
    """The scores of tonight: cells of the two models taken together, and which version scored."""

    cells: tuple[ScoreCell, ...] = ()
    horizon_weeks: int | None = None
    churn_version: str = ""
    value_version: str = ""
    method: str = ""

    @property
    def people(self) -> int:
        """People with a score."""
        return sum(c.people for c in self.cells)

    @property
    def value(self) -> float:
        """Expected net spend of all of them within the horizon."""
        return sum(c.value for c in self.cells)

    @property
    def mean_churn(self) -> float | None:
        """Mean probability of no purchase within the horizon; None where nobody has one."""
        scored = sum(c.people for c in self.cells if c.churn_bin is not None)
        return sum(c.churn for c in self.cells) / scored if scored else None


@dataclass(frozen=True)
class ProvedFacts:
    """The newest scoring of a model whose horizon is over: its day, and its figures by the names of the ledger."""

    scored_as_of: str
    horizon_weeks: int
    people: int
    figures: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class ModelFacts:
    """The champion of one model: numbers on a later period, and groups of people from least to most predicted.

    A group is (people, mean predicted, mean actual): of the share who buy for churn, of spend for value.
    """

    model: str
    version: str
    as_of: str
    decided: str
    metrics: tuple[tuple[str, float], ...] = ()
    groups: tuple[tuple[int, float, float], ...] = ()
    proved: ProvedFacts | None = None

    @property
    def is_churn(self) -> bool:
        """Whether it tells who will not buy, and not how much."""
        return "churn" in self.model


@dataclass(frozen=True)
class SegmentFacts:
    """People of one RFM segment, and what they spent in the last year in all (None: no such trait)."""

    segment: str
    people: int
    spend: float | None = None


@dataclass(frozen=True)
class RecommendationFacts:
    """One part (repeat or explore) of one list of recommendations, as it is by now; made on the night ``as_of``.

    ``first_score``: mean over the people of their first item's score, which ``score_kind`` (chance or share) names.
    ``first_item``: the one that is first for most.
    """

    list: str
    part: str
    people: int
    items: int
    first_score: float
    score_kind: str
    first_item: str
    as_of: str


@dataclass(frozen=True)
class CreditFacts:
    """Orders and their value that each model (first, last, linear, shapley, markov) credits to a channel and campaign.

    ``markov``: of the memory that foretells orders best. ``as_of``: the night that shared them out.
    """

    attribution: str
    as_of: str
    channel: str
    campaign: str
    orders: tuple[tuple[str, float], ...]
    value: float

    def credited(self, model: str) -> float:
        """Orders by one model."""
        return dict(self.orders).get(model, 0.0)


@dataclass(frozen=True)
class AudienceFacts:
    """One audience at the end of tonight: who is in, of them who entered tonight, and who left tonight."""

    audience: str
    size: int
    entered: int
    left: int


@dataclass(frozen=True)
class DeliveryFacts:
    """One delivery of tonight; ``withheld`` members were kept back for want of consent."""

    destination: str
    audience: str
    state: str
    format: str
    members: int
    added: int
    removed: int
    withheld: int
    sha256: str
    path: str


@dataclass(frozen=True)
class RunFacts:
    """The latest run of one job for this night, in the order in which they began."""

    job: str
    state: str
    seconds: float
    rows: int
    message: str


@dataclass(frozen=True)
class NightFacts:
    """All that the page of one night shows. Every part may be empty: the page then says so in its place."""

    run_date: date
    run_id: str = ""
    currency: str = ""
    sources: tuple[SourceFacts, ...] = ()
    set_aside: tuple[SetAsideFile, ...] = ()
    schema_changes: tuple[SchemaChangeFacts, ...] = ()
    refusals: tuple[RefusalFacts, ...] = ()
    people: PeopleFacts = field(default_factory=PeopleFacts)
    changes: tuple[ChangeFacts, ...] = ()
    generic_values: tuple[GenericFacts, ...] = ()
    refused_links: tuple[RefusedLinks, ...] = ()
    identity_nights: tuple[IdentityNight, ...] = ()
    scores: ScoreFacts = field(default_factory=ScoreFacts)
    models: tuple[ModelFacts, ...] = ()
    recommendations: tuple[RecommendationFacts, ...] = ()
    credits: tuple[CreditFacts, ...] = ()
    segments: tuple[SegmentFacts, ...] = ()
    audiences: tuple[AudienceFacts, ...] = ()
    deliveries: tuple[DeliveryFacts, ...] = ()
    runs: tuple[RunFacts, ...] = ()
