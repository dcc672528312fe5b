REFRESH MATERIALIZED VIEW billing.payer_totals
