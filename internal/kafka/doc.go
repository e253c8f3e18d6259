// Package kafka is what the packages at the edge share about the cluster: client options, the record as the
// worker sees it, the check and creation of topics, the reader of control topics, the scan of any topic, the writer of
// one transaction after the other, and the broker that runs inside the process for trying out and for fast tests. It
// knows neither events nor rules.
package kafka
