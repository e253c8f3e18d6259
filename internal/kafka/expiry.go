package kafka

import "github.com/prometheus/client_golang/prometheus"

// A certificateCollector tells how the certificates stand whenever it is asked, so that a new file shows although no
// connection is opened.
type certificateCollector struct {
	certificates   *certificates // nil without TLS
	expiry, reload *prometheus.Desc
}

// Metrics tells of the certificates, and has no series without TLS.
func (c *Cluster) Metrics() prometheus.Collector {
	return &certificateCollector{
		certificates: c.certificates,
		expiry: prometheus.NewDesc("ttp_kafka_certificate_expiry_timestamp_seconds",
			"When the client certificate in use expires.", nil, nil),
		reload: prometheus.NewDesc("ttp_kafka_certificate_last_reload_successful",
			"1 if the certificate files are those in use, 0 if they are broken and older ones are.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *certificateCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.expiry
	descs <- c.reload
}

// Collect implements prometheus.Collector.
func (c *certificateCollector) Collect(metrics chan<- prometheus.Metric) {
	if c.certificates == nil {
		return
	}
	expiry, good := c.certificates.standing()
	if !expiry.IsZero() {
		metrics <- prometheus.MustNewConstMetric(c.expiry, prometheus.GaugeValue, float64(expiry.Unix()))
	}
	value := 0.0
	if good {
		value = 1
	}
	metrics <- prometheus.MustNewConstMetric(c.reload, prometheus.GaugeValue, value)
}
