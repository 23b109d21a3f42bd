"""What a run costs and scores, and whether this machine is ready for one."""
