"""What was read: places, decisions, interactions, threads, questions, and what people decided about them."""
