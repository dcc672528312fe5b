"""The demo: a production database of made-up people, to see a nightly refresh do its job on."""
