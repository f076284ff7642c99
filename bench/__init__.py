"""`python -m bench`: what Crible costs, measured with everything on, on this machine."""
