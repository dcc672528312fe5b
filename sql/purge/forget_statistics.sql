-- Statistics hold most common values and histograms of the originals, readable through pg_stats.
DELETE FROM pg_statistic
