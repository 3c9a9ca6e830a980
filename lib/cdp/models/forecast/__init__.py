"""Purchases and spend ahead: the purchase process, corrected and calibrated on past cuts."""
