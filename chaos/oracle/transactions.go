package oracle

// A stretch is the records of one producer in one partition between two ends of its transactions there.
type stretch struct {
	shadow    bool
	partition int32
	producer  int64
	ends      int32
}

// A transaction is one of a producer where every transaction has an epoch of its own.
type transaction struct {
	producer int64
	epoch    int16
}

// transactions checks that no transaction has records under two plans.
func (v *Verdict) transactions(streams []Stream) {
	v.EpochPerTransaction = epochPerTransaction(streams)
	stretches, whole := map[stretch]string{}, map[transaction]string{}
	torn := map[transaction]bool{}
	for _, s := range streams {
		for _, o := range s.Outputs {
			at, of := stretch{s.Shadow, s.Partition, o.Producer, o.Ends}, transaction{o.Producer, o.Epoch}
			one, other := stretches[at], whole[of]
			if !v.EpochPerTransaction {
				other = ""
			}
			if (one != "" && one != o.Plan || other != "" && other != o.Plan) && !torn[of] {
				torn[of] = true
				v.Torn++
				v.note("the transaction of producer %d, epoch %d, with event %s has two plans", o.Producer, o.Epoch, o.Source)
			}
			stretches[at], whole[of] = o.Plan, o.Plan
		}
	}
}

// epochPerTransaction reports whether no epoch of a producer is in two stretches of one partition. Brokers with
// transaction.version 2 (KIP-890) raise the epoch with every transaction.
func epochPerTransaction(streams []Stream) bool {
	for _, s := range streams {
		ends := map[transaction]int32{}
		for _, o := range s.Outputs {
			of := transaction{o.Producer, o.Epoch}
			if n, ok := ends[of]; ok && n != o.Ends {
				return false
			}
			ends[of] = o.Ends
		}
	}
	return true
}
