"""Controllers: functions that state the children of a parent, and what runs them again."""
