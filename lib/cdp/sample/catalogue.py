"""The product catalogue: about 400 products in 12 categories of a home textiles and furniture retailer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cdp.sample.calendar import Floats, Ints

_COLOURS = ("White", "Oat", "Sage", "Charcoal", "Ink Blue", "Terracotta", "Blush", "Forest")
# category -> (lowest price, highest price, products)
_RANGES: dict[str, tuple[float, float, tuple[str, ...]]] = {
    "Bedding": (14, 140, ("Linen Duvet Cover", "Cotton Fitted Sheet", "Percale Pillowcase Pair", "Quilted Bedspread")),
    "Towels": (4, 45, ("Waffle Hand Towel", "Bath Sheet", "Ribbed Face Cloth Set", "Hooded Beach Towel")),
    "Curtains": (25, 190, ("Blackout Curtain Pair", "Sheer Voile Panel", "Velvet Eyelet Curtains", "Roman Blind")),
    "Rugs": (22, 420, ("Jute Runner", "Wool Flatweave Rug", "Shaggy Rug", "Washable Door Mat")),
    "Cushions": (7, 55, ("Velvet Cushion", "Bolster Cushion", "Knitted Cushion Cover", "Floor Cushion")),
    "Throws": (15, 120, ("Chunky Knit Throw", "Lambswool Blanket", "Fleece Throw", "Cotton Herringbone Throw")),
    "Tableware": (3, 85, ("Stoneware Dinner Plate", "Glass Tumbler Set", "Serving Bowl", "Linen Napkin Set")),
    "Kitchen": (2, 70, ("Oven Glove", "Tea Towel Trio", "Storage Jar", "Apron")),
    "Lighting": (12, 260, ("Rattan Pendant", "Table Lamp", "Arc Floor Lamp", "LED Candle Set")),
    "Storage": (6, 150, ("Seagrass Basket", "Under-bed Box", "Wall Shelf", "Laundry Hamper")),
    "Furniture": (45, 900, ("Oak Side Table", "Two-seat Sofa", "Dining Chair", "Bedside Cabinet")),
    "Garden": (5, 320, ("Terracotta Planter", "Folding Bistro Set", "Outdoor Cushion", "Solar Lantern")),
}
CATEGORIES = tuple(_RANGES)


@dataclass(frozen=True)
class Catalogue:
    """Products in order of price: ids, names, category numbers, unit prices in pounds."""

    product_id: tuple[str, ...]
    name: tuple[str, ...]
    category: Ints
    price: Floats

    def __len__(self) -> int:
        return len(self.product_id)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Build the catalogue; it is the same for every seed, as a shop's is."""
    rows: list[tuple[float, str, str, int]] = []
    for number, (lowest, highest, products) in enumerate(_RANGES.values()):
        steps = len(products) * len(_COLOURS)
        for at, (product, colour) in enumerate((p, c) for c in _COLOURS for p in products):
            raw = lowest * (highest / lowest) ** (((at * 7) % steps) / (steps - 1))
            price = max(1.0, round(raw) - 0.01) if raw < 100 else round(raw / 5) * 5.0
            rows.append((round(price, 2), f"P{number + 1:02d}{at + 1:03d}", f"{product} {colour}", number))
    rows.sort()
    return Catalogue(
        product_id=tuple(r[1] for r in rows),
        name=tuple(r[2] for r in rows),
        category=np.array([r[3] for r in rows], dtype=np.int64),
        price=np.array([r[0] for r in rows], dtype=np.float64),
    )
