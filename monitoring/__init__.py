"""What an operator sees of Crible: metrics, and later rules, dashboards and runbooks."""
