package retag

import (
	"hash/maphash"
	"math"
	"math/bits"
	"sort"

	"github.com/google/uuid"
)

// A found is what the index knows of a tag that is there.
type found struct {
	source int64  // offset of its event, which may be before the range; or elsewhere
	digest uint64 // of its value without tagged_at
	label  uint32 // see labels
}

const (
	// elsewhere is the source of a tag from behind the range, or of another partition.
	elsewhere = math.MaxInt64
	// gone is that of a key that had a tag once.
	gone = -1
)

// ghost is the label of a key that belongs to the range without a tag: the job itself has taken it away before a restart, or what is
// there is no tag.
const ghost = math.MaxUint32

// An index holds the tags of one topic and partition, the latest of each key. It is filled by put and remove in the order of
// the topic, sealed, and then asked. Before it is sealed only get can be asked, and what was removed may have the source
// gone. It is not safe for concurrent use.
type index interface {
	put(key uuid.UUID, t found) error
	remove(key uuid.UUID) error
	// seal ends filling.
	seal() error
	get(key uuid.UUID) (t found, is bool, err error)
	// each visits the tags whose event has this offset, in the order of their keys.
	each(source int64, visit func(key uuid.UUID, t found) error) error
	// before counts the tags whose event has a lower offset.
	before(source int64) (int, error)
	len() int
	bytes() int // of memory
	close() error
}

// entry is a tag in memory: 40 bytes.
type entry struct {
	key uuid.UUID
	found
}

// chunkEntries is how many entries are allocated together: what grows is never copied.
const chunkEntries = 1 << 12

const (
	// slotsLoad and slotsGrowth keep the hash table between 53 and 80 % full while it is filled: 5 to 7.5 bytes per
	// tag beside its entry of 40.
	slotsLoad   = 0.8
	slotsGrowth = 1.5
	minSlots    = 64
)

// memory is an index in memory: entries in chunks, sorted by source once they are sealed, and a hash table of their
// numbers.
type memory struct {
	chunks [][]entry
	n      int
	slots  []uint32 // number of an entry + 1; 0 = free
	seed   maphash.Seed
	hint   int // the entry behind those that each visited last
}

var _ index = (*memory)(nil)

func newMemory() *memory { return &memory{slots: make([]uint32, minSlots), seed: maphash.MakeSeed()} }

func (m *memory) at(i int) *entry { return &m.chunks[i/chunkEntries][i%chunkEntries] }

// slot is where a key's number is, or goes.
func (m *memory) slot(key *uuid.UUID) int {
	h := maphash.Bytes(m.seed, key[:])
	hi, _ := bits.Mul64(h, uint64(len(m.slots)))
	for i := int(hi); ; i++ { //nolint:gosec // less than len
		if i == len(m.slots) {
			i = 0
		}
		if n := m.slots[i]; n == 0 || m.at(int(n)-1).key == *key {
			return i
		}
	}
}

func (m *memory) put(key uuid.UUID, t found) error {
	at := m.slot(&key)
	if n := m.slots[at]; n != 0 {
		m.at(int(n) - 1).found = t
		return nil
	}
	if m.n%chunkEntries == 0 {
		m.chunks = append(m.chunks, make([]entry, chunkEntries))
	}
	*m.at(m.n) = entry{key, t}
	m.n++
	m.slots[at] = uint32(m.n) //nolint:gosec // a partition's tags take more memory than there is long before
	if float64(m.n) > slotsLoad*float64(len(m.slots)) {
		m.rehash(int(float64(len(m.slots)) * slotsGrowth))
	}
	return nil
}

func (m *memory) rehash(slots int) {
	m.slots = make([]uint32, max(slots, minSlots))
	for i := range m.n {
		m.slots[m.slot(&m.at(i).key)] = uint32(i + 1)
	}
}

func (m *memory) remove(key uuid.UUID) error {
	if n := m.slots[m.slot(&key)]; n != 0 {
		m.at(int(n) - 1).source = gone
	}
	return nil
}

func (m *memory) seal() error {
	sort.Sort((*bySource)(m))
	live := m.n - sort.Search(m.n, func(i int) bool { return m.at(i).source != gone })
	for i := range live { // those that are gone came first
		*m.at(i) = *m.at(m.n - live + i)
	}
	m.n = live
	m.chunks = m.chunks[:(live+chunkEntries-1)/chunkEntries]
	m.rehash(int(float64(live)/slotsLoad) + 1)
	return nil
}

// bySource sorts a memory.
type bySource memory

func (b *bySource) Len() int { return b.n }

func (b *bySource) Less(i, j int) bool {
	x, y := (*memory)(b).at(i), (*memory)(b).at(j)
	if x.source != y.source {
		return x.source < y.source
	}
	return string(x.key[:]) < string(y.key[:])
}

func (b *bySource) Swap(i, j int) {
	x, y := (*memory)(b).at(i), (*memory)(b).at(j)
	*x, *y = *y, *x
}

func (m *memory) get(key uuid.UUID) (found, bool, error) {
	n := m.slots[m.slot(&key)]
	if n == 0 {
		return found{}, false, nil
	}
	return m.at(int(n) - 1).found, true, nil
}

func (m *memory) each(source int64, visit func(uuid.UUID, found) error) error {
	i := m.hint
	if i < m.n && m.at(i).source < source || i > 0 && m.at(i-1).source >= source { // events come in order, mostly
		i = sort.Search(m.n, func(i int) bool { return m.at(i).source >= source })
	}
	for ; i < m.n && m.at(i).source == source; i++ {
		if err := visit(m.at(i).key, m.at(i).found); err != nil {
			return err
		}
	}
	m.hint = i
	return nil
}

func (m *memory) before(source int64) (int, error) {
	return sort.Search(m.n, func(i int) bool { return m.at(i).source >= source }), nil
}

func (m *memory) len() int { return m.n }

// entryBytes is what an entry takes.
const entryBytes = 40

func (m *memory) bytes() int { return len(m.chunks)*chunkEntries*entryBytes + len(m.slots)*4 }

func (m *memory) close() error { return nil }
