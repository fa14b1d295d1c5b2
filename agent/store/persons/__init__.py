"""What concerns a person as a whole: merged, erased, handed out, suggested, or too old to keep."""
