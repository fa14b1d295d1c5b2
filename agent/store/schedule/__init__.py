"""Which mailboxes there are, whose turn it is, how each stands, and when its owner is away."""
