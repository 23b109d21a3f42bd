"""What strategies and importances are called. No torch: the grammar of trainer names reads it."""

STRATEGIES = ("stamp", "randomAtStamp", "randomAtLargest")
IMPORTANCES = ("l2", "l1", "taylor", "fisher")
