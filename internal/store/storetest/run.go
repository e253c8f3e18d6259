package storetest

import "testing"

// Run holds a store to its contract, one subtest per promise. open returns a new store without rules, which is
// closed when the test ends. It is called from parallel tests.
func Run(t *testing.T, open func(testing.TB) Harness) {
	for _, promise := range []struct {
		name string
		test func(*testing.T, Harness)
	}{
		{"load gives parsed rules by id", loads},
		{"a bad rule hides no good one", refuses},
		{"a duplicate rule_id does not take the rule over", duplicates},
		{"an edit is one change for every subscriber", fansOut},
		{"a removed rule is gone", removes},
		{"nothing is lost between subscribing, loading and reading", missesNothing},
		{"a slow subscriber neither blocks nor loses", slowSubscriber},
		{"readers never see half a rule", swapsAtomically},
		{"an order comes back as it was given", roundTrips},
		{"an order touches its rule only", isolates},
		{"an order ends by itself", expires},
		{"an order that had expired when read is the default", alreadyExpired},
		{"an order for an unknown rule is kept", unknownRule},
		{"an order that fails changes nothing", failsCleanly},
		{"two stores over one log agree", follows},
		{"a closed store answers from memory", closes},
	} {
		t.Run(promise.name, func(t *testing.T) {
			t.Parallel()
			promise.test(t, open(t))
		})
	}
}
