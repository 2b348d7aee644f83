-- For wrk: what Guard.Load reads of a run. Times in microseconds.
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("guard-load %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    e.connect + e.read + e.write + e.status + e.timeout))
end
