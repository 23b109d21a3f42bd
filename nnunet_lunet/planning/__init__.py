"""Plans files: presets, the planner for lean networks, networks under a limit."""
