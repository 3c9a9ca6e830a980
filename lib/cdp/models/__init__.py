"""Models: churn and lifetime value of customers without a contract, from purchase histories to registered versions."""
