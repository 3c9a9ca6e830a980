"""gold.channel_credits: the share of orders that one model of attribution gives to one channel and campaign."""

from __future__ import annotations

from cdp.contracts.model import Column, TableContract

CHANNEL_CREDITS = TableContract(
    layer="gold",
    name="channel_credits",
    doc="The orders and their value that one model of attribution credits to one channel and campaign, by one file of "
    "conf/attribution. Correlational: it shares out what was seen and does not say what a channel caused.",
    key=("attribution", "model", "channel", "campaign"),
    mode="replace",
    subject_note="sums over people",
    erase="rebuild",
    purposes=("analytics",),
    is_derived=True,
    columns=(
        Column("attribution", "STRING", "The file of conf/attribution.", nullable=False),
        Column("as_of", "DATE", "The night that shared it out: what happened before this day counts.", nullable=False),
        Column("model", "STRING", "first, last, linear, decay, shapley, markov_1 .. markov_3.", nullable=False),
        Column("channel", "STRING", "The channel, as the file names it.", nullable=False),
        Column("campaign", "STRING", "The campaign; empty where none is known.", nullable=False),
        Column("conversions", "DOUBLE", "Orders credited to it.", nullable=False),
        Column("value", "DOUBLE", "Net value of the orders credited to it.", unit="currency"),
        Column(
            "is_best_memory",
            "BOOLEAN",
            "Whether the model is the Markov chain whose memory foretells orders best, by cross-validation.",
            nullable=False,
        ),
    ),
)
