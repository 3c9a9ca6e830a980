"""Credit of conversions to channels and campaigns; correlational by nature."""
