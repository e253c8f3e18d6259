package retag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// A budget is the memory that all indexes of a process may take, in bytes. The zero value has none. Safe for concurrent use.
type budget struct {
	most int64
	used atomic.Int64
}

// spilling is an index in memory that moves to a file when the budget is used up.
type spilling struct {
	index

	budget *budget
	held   int // bytes of the budget
	dir    string
	log    func(tags int)
}

var _ index = (*spilling)(nil)

// newIndex makes an index whose file, should it need one, is in dir; log is told then.
func newIndex(b *budget, dir string, log func(tags int)) *spilling {
	return &spilling{index: newMemory(), budget: b, dir: dir, log: log}
}

func (s *spilling) put(key uuid.UUID, t found) error {
	if err := s.index.put(key, t); err != nil {
		return err
	}
	m, inMemory := s.index.(*memory)
	if !inMemory || m.n%chunkEntries != 1 { // it grows by chunks
		return nil
	}
	return s.account(m)
}

// account takes from the budget what the index takes now, and moves it to a file if that is too much.
func (s *spilling) account(m *memory) error {
	grown := m.bytes() - s.held
	s.held += grown
	if s.budget.used.Add(int64(grown)) <= s.budget.most || m.n <= chunkEntries {
		return nil
	}
	s.log(m.n)
	f, err := newFile(s.dir)
	if err != nil {
		return err
	}
	for i := range m.n {
		if e := m.at(i); e.source != gone {
			if err := f.put(e.key, e.found); err != nil {
				return errors.Join(err, f.close())
			}
		}
	}
	s.index = f
	s.release()
	return nil
}

func (s *spilling) release() {
	s.budget.used.Add(-int64(s.held))
	s.held = 0
}

func (s *spilling) close() error {
	s.release()
	return s.index.close()
}

// file is an index in a file: the tags by key, and once it is sealed their keys by source. It is gone with the process.
type file struct {
	db    *bbolt.DB
	path  string
	tx    *bbolt.Tx // open, for filling
	dirty int       // puts and removals in it
	n     int
}

var _ index = (*file)(nil)

var byKey, keyBySource = []byte("tags"), []byte("sources")

// fileBatch is how many changes are written together.
const fileBatch = 10_000

// foundBytes is what a found takes in a file.
const foundBytes = 8 + 8 + 4

// onDisk says what the error is about and what helps.
func onDisk(err error) error {
	return fmt.Errorf("keeping an index of tags on disk: %w; give --tmp a directory with more room, or more --memory", err)
}

func newFile(dir string) (*file, error) {
	dir, err := os.MkdirTemp(dir, "ttp-retag-*")
	if err != nil {
		return nil, onDisk(err)
	}
	// It is made anew by whoever needs it, so it need not survive anything. Where the system lets an open file go, it is gone from the
	// start, so that a process that is killed leaves nothing behind.
	db, err := bbolt.Open(filepath.Join(dir, "tags"), 0o600, &bbolt.Options{
		NoSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
		OpenFile: func(path string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(path, flag, mode) //nolint:gosec // in a directory of our own
			_ = os.RemoveAll(dir)
			return f, err
		},
	})
	if err != nil {
		return nil, errors.Join(onDisk(err), os.RemoveAll(dir))
	}
	f := &file{db: db, path: dir}
	if err := f.begin(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *file) begin() (err error) {
	if f.tx, err = f.db.Begin(true); err != nil {
		return onDisk(err)
	}
	for _, name := range [][]byte{byKey, keyBySource} {
		if _, err := f.tx.CreateBucketIfNotExists(name); err != nil {
			return onDisk(err)
		}
	}
	return nil
}

// changed commits now and then.
func (f *file) changed() error {
	if f.dirty++; f.dirty < fileBatch {
		return nil
	}
	f.dirty = 0
	if err := f.tx.Commit(); err != nil {
		return onDisk(err)
	}
	return f.begin()
}

func (f *file) put(key uuid.UUID, t found) error {
	value := make([]byte, 0, foundBytes)
	value = binary.BigEndian.AppendUint64(value, uint64(t.source)) //nolint:gosec // not less than 0
	value = binary.BigEndian.AppendUint64(value, t.digest)
	value = binary.BigEndian.AppendUint32(value, t.label)
	if err := f.tx.Bucket(byKey).Put(key[:], value); err != nil {
		return onDisk(err)
	}
	return f.changed()
}

func (f *file) remove(key uuid.UUID) error {
	if err := f.tx.Bucket(byKey).Delete(key[:]); err != nil {
		return onDisk(err)
	}
	return f.changed()
}

// seal notes the keys by source. The tags that were put last are in memory or in the file, for bbolt to know.
func (f *file) seal() error {
	err := f.tx.Commit()
	for last := []byte(nil); err == nil; {
		// In pieces: a transaction holds in memory what it changes.
		err = f.db.Update(func(tx *bbolt.Tx) error {
			tags, sources := tx.Bucket(byKey).Cursor(), tx.Bucket(keyBySource)
			key, value := tags.Seek(last)
			if last != nil {
				key, value = tags.Next()
			}
			last = nil
			for n := 0; key != nil; key, value = tags.Next() {
				if err := sources.Put(append(append([]byte(nil), value[:8]...), key...), nil); err != nil {
					return err
				}
				f.n++
				if n++; n == fileBatch {
					last = append([]byte(nil), key...)
					return nil
				}
			}
			return nil
		})
		if last == nil {
			break
		}
	}
	if err == nil {
		f.tx, err = f.db.Begin(false)
	}
	if err != nil {
		return onDisk(err)
	}
	return nil
}

func (f *file) get(key uuid.UUID) (found, bool, error) {
	value := f.tx.Bucket(byKey).Get(key[:])
	if value == nil {
		return found{}, false, nil
	}
	return readFound(value), true, nil
}

func readFound(value []byte) found {
	return found{
		source: int64(binary.BigEndian.Uint64(value)), //nolint:gosec // as it was written
		digest: binary.BigEndian.Uint64(value[8:]), label: binary.BigEndian.Uint32(value[16:]),
	}
}

func (f *file) each(source int64, visit func(uuid.UUID, found) error) error {
	prefix := binary.BigEndian.AppendUint64(nil, uint64(source)) //nolint:gosec // an offset
	c := f.tx.Bucket(keyBySource).Cursor()
	for k, _ := c.Seek(prefix); k != nil && string(k[:8]) == string(prefix); k, _ = c.Next() {
		key := uuid.UUID(k[8:])
		if err := visit(key, readFound(f.tx.Bucket(byKey).Get(key[:]))); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) before(source int64) (int, error) {
	end, n := binary.BigEndian.AppendUint64(nil, uint64(source)), 0 //nolint:gosec // an offset
	c := f.tx.Bucket(keyBySource).Cursor()
	for k, _ := c.First(); k != nil && string(k[:8]) < string(end); k, _ = c.Next() {
		n++
	}
	return n, nil
}

func (f *file) len() int { return f.n }

// bytes is next to nothing: pages of the file are the system's, which takes them back when it needs the memory.
func (f *file) bytes() int { return 0 }

func (f *file) close() error {
	if f.tx != nil {
		_ = f.tx.Rollback() // nothing of it is wanted any more
	}
	return errors.Join(f.db.Close(), os.RemoveAll(f.path))
}
