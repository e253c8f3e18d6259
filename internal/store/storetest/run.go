package storetest

import "testing"

// Run holds a store to its contract, one subtest per promise. open returns a new store without rules, which is
// closed when the test ends. It is called from parallel tests.
func Run(t *testing.T, open func(testing.TB) Harness) {
	t.Helper()
	for _, promise := range []struct {
		name string
		test func(trial)
	}{
		{"load gives parsed rules by id", trial.loads},
		{"a bad rule hides no good one", trial.refuses},
		{"a duplicate rule_id does not take the rule over", trial.duplicates},
		{"an edit is one change for every subscriber", trial.fansOut},
		{"a removed rule is gone", trial.removes},
		{"an edit of a list is one change for each rule that uses it", trial.listsChange},
		{"a list that is bad or gone takes no rule down", trial.listsRefused},
		{"a rule waits for its list", trial.listsAwaited},
		{"nothing is lost between subscribing, loading and reading", trial.missesNothing},
		{"a slow subscriber neither blocks nor loses", trial.slowSubscriber},
		{"readers never see half a rule", trial.swapsAtomically},
		{"an order comes back as it was given", trial.roundTrips},
		{"an order touches its rule only", trial.isolates},
		{"an order ends by itself", trial.expires},
		{"an order that had expired when read is the default", trial.alreadyExpired},
		{"an order for an unknown rule is kept", trial.unknownRule},
		{"an order that fails changes nothing", trial.failsCleanly},
		{"two stores over one log agree", trial.follows},
		{"a closed store answers from memory", trial.closes},
	} {
		t.Run(promise.name, func(t *testing.T) {
			t.Parallel()
			promise.test(trial{Harness: open(t), t: t})
		})
	}
}

// A trial is one promise put to the test on a store of its own.
type trial struct {
	Harness
	t *testing.T
}
