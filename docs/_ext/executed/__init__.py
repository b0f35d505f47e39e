"""Examples that the build of the docs executes, and whose output it prints."""
