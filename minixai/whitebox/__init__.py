"""The white-box methods of Sections 4 and 5, one file per section of the survey."""
