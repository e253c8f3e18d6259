package kafka

import "github.com/prometheus/client_golang/prometheus"

// A collector tells how the cluster stands whenever it is asked, so that a new certificate file shows although no
// connection is opened.
type collector struct {
	cluster                *Cluster
	answer, expiry, reload *prometheus.Desc
}

// Metrics tells when a broker last answered, and of the certificates, for which it has no series without TLS.
func (c *Cluster) Metrics() prometheus.Collector {
	return &collector{
		cluster: c,
		answer: prometheus.NewDesc("ttp_kafka_last_answer_timestamp_seconds",
			"When a broker last answered this process, whatever it was asked; 0 = never.", nil, nil),
		expiry: prometheus.NewDesc("ttp_kafka_certificate_expiry_timestamp_seconds",
			"When the client certificate in use expires.", nil, nil),
		reload: prometheus.NewDesc("ttp_kafka_certificate_last_reload_successful",
			"1 if the certificate files are those in use, 0 if they are broken and older ones are.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.answer
	descs <- c.expiry
	descs <- c.reload
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	answered := 0.0
	if last := c.cluster.LastAnswer(); !last.IsZero() {
		answered = float64(last.UnixMilli()) / 1000
	}
	metrics <- prometheus.MustNewConstMetric(c.answer, prometheus.GaugeValue, answered)
	if c.cluster.certificates == nil {
		return
	}
	expiry, good := c.cluster.certificates.standing()
	if !expiry.IsZero() {
		metrics <- prometheus.MustNewConstMetric(c.expiry, prometheus.GaugeValue, float64(expiry.Unix()))
	}
	value := 0.0
	if good {
		value = 1
	}
	metrics <- prometheus.MustNewConstMetric(c.reload, prometheus.GaugeValue, value)
}
