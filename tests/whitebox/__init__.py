"""Tests of the white-box methods: against a slow witness, by hand, and by what each method promises."""
