package pipeline

import "github.com/prometheus/client_golang/prometheus"

// planInfo shows the digest of the plan in force, and of no other: replicas that differ in it tag differently.
type planInfo struct {
	plans *Plans
	desc  *prometheus.Desc
}

var _ prometheus.Collector = planInfo{}

func newPlanInfo(plans *Plans) planInfo {
	return planInfo{plans, prometheus.NewDesc("ttp_pipeline_plan_info", "1, with the digest of the plan in force; none before there is a plan.",
		[]string{"digest"}, nil)}
}

// Describe implements prometheus.Collector.
func (p planInfo) Describe(ch chan<- *prometheus.Desc) { ch <- p.desc }

// Collect implements prometheus.Collector.
func (p planInfo) Collect(ch chan<- prometheus.Metric) {
	if plan := p.plans.Current(); plan != nil {
		ch <- prometheus.MustNewConstMetric(p.desc, prometheus.GaugeValue, 1, plan.Digest)
	}
}
