package produce_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ttpworker/internal/produce"
	"ttpworker/internal/store"
	"ttpworker/internal/tagger"
	"ttpworker/internal/wire"
)

func TestATagThatDoesNotFitItsTopicIsOutputTooLarge(t *testing.T) {
	t.Parallel()
	tag := sampleTag()
	o := produce.Outputs{Encoder: encoder(t, wire.SingleObject), Tags: "ttp_tags", Shadow: "ttp_tags_shadow"}
	rec, err := o.TagRecord(&tag, produce.Source{}, at)
	if err != nil {
		t.Fatalf("TagRecord without a bound = %v", err)
	}
	const overhead = 200 // of a batch of one record, generously
	o.MaxBytes = rec.Size() + overhead
	if _, err := o.TagRecord(&tag, produce.Source{}, at); err != nil {
		t.Errorf("TagRecord of a tag that just fits = %v", err)
	}
	o.MaxBytes--
	_, err = o.TagRecord(&tag, produce.Source{}, at)
	if malformed, ok := errors.AsType[*wire.Error](err); !ok || malformed.Class != wire.OutputTooLarge {
		t.Fatalf("TagRecord of a tag one byte over = %v, want class %s", err, wire.OutputTooLarge)
	}
	want := fmt.Sprintf(`output_too_large: tag of rule "R0014" takes %d bytes, the topic takes %d`, o.MaxBytes+1, o.MaxBytes)
	if err.Error() != want {
		t.Errorf("TagRecord = %q, want %q", err, want)
	}
}

// A tag that cannot be written is a fault of the tagger, not of the event: it must not look like a malformed record.
func TestATagThatCannotBeEncodedIsNoMalformedRecord(t *testing.T) {
	t.Parallel()
	tag := sampleTag()
	tag.SourceID = "\xff"
	_, err := produce.Outputs{Encoder: encoder(t, wire.SingleObject)}.TagRecord(&tag, produce.Source{}, at)
	if err == nil || !strings.Contains(err.Error(), `rule "R0014"`) {
		t.Errorf("TagRecord = %v, want an error that names the rule", err)
	}
	if _, ok := errors.AsType[*wire.Error](err); ok {
		t.Errorf("TagRecord = %v, a malformed record, want another error", err)
	}
}

func TestAStateNeedsARule(t *testing.T) {
	t.Parallel()
	_, err := produce.RuleStateRecord(encoder(t, wire.JSON), "s", store.State{State: tagger.Disabled})
	if err == nil || !strings.Contains(err.Error(), "rule_id") {
		t.Errorf("RuleStateRecord = %v, want an error about rule_id", err)
	}
}

func TestTagKeyIsTheFormThatWorkersWrite(t *testing.T) {
	t.Parallel()
	const key = "01620953-ee47-504c-9788-3497d21ea6e6"
	if id, is := produce.TagKey([]byte(key)); !is || id.String() != key {
		t.Errorf("TagKey(%q) = %s, %t, want that id", key, id, is)
	}
	for _, other := range []string{
		"", "filler", strings.ToUpper(key), "{" + key + "}", "urn:uuid:" + key, strings.ReplaceAll(key, "-", ""), key + " ",
	} {
		if id, is := produce.TagKey([]byte(other)); is {
			t.Errorf("TagKey(%q) = %s, want none", other, id)
		}
	}
}
