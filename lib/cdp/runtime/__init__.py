"""How jobs run: session, jars, settings, run log, command line support."""
