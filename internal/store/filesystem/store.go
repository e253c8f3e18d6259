package filesystem

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/prometheus/client_golang/prometheus"

	"ttpworker/internal/rule"
	"ttpworker/internal/store"
)

var _ store.Store = (*Store)(nil)

// ErrNeedsLinux is returned by New on other systems.
var ErrNeedsLinux = errors.New("filesystem store needs Linux inotify; set DECNET_TTP_RULE_STORE_TYPE=database")

// errUnread is the health of a store before its first reading.
var errUnread = errors.New("rules are not read yet")

// A Parse reads one rule file, as rule.Parser.ParseWith does.
type Parse func(lists rule.Lists, path string, data []byte) (r *rule.Rule, asked []string, err error)

// A Store is the rule store over a directory, and those of shared lists. It implements store.Store.
type Store struct {
	*store.States

	cfg     Config
	files   *files
	inbox   *inbox
	changes *store.Broadcaster
	logger  *slog.Logger
	metrics *store.Metrics

	newWatcher func() (*fsnotify.Watcher, error) // fsnotify.NewWatcher; a test has it fail

	rules  atomic.Pointer[[]*rule.Rule] // in force, sorted by id; nil before the first reading; never changed once stored
	health atomic.Pointer[error]        // see Healthy

	work    sync.Mutex // one reading at a time: guards what follows, and the order of changes
	book    *book
	loaded  bool
	root    fs.FileInfo // the directory as last walked
	down    error       // why the directory could not be walked last; nil = it could
	keep    time.Time   // until then nothing is taken for gone: the directory has just come back
	holds   map[string]held
	busy    map[string]time.Time // since when a path could not be read for being written
	watcher *fsnotify.Watcher    // nil unless Run has one
	watched map[string]struct{}  // real paths of the directories it watches
	warned  map[string]struct{}  // directories that could not be watched
	doubts  map[string]struct{}  // warnings about files in force that were told
	refused map[string]struct{}  // files whose fault was told, and that are not good again yet
}

// New makes a store of the rule files in cfg.Dir, which must be readable. Operator states come from log. No rule is
// read and nothing runs before Load or Run. It registers its metrics with reg.
func New(cfg Config, parse Parse, log store.StateLog, logger *slog.Logger, reg prometheus.Registerer) (*Store, error) {
	if runtime.GOOS != "linux" {
		return nil, ErrNeedsLinux
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	ops := &files{}
	if _, err := ops.readDir(cfg.Dir); err != nil {
		return nil, rootError(cfg.Dir, err)
	}
	s := &Store{
		cfg: cfg, files: ops, inbox: newInbox(cfg), logger: logger, metrics: store.NewMetrics(reg),
		newWatcher: fsnotify.NewWatcher,
		book:       newBook(parse, cfg), holds: map[string]held{}, busy: map[string]time.Time{},
		watched: map[string]struct{}{}, warned: map[string]struct{}{}, refused: map[string]struct{}{},
	}
	s.changes = store.NewBroadcaster(s.metrics)
	s.States = store.NewStates(log, s.known, s.changes, logger, s.metrics)
	s.health.Store(&errUnread)
	return s, nil
}

// Load implements store.Store. The first reading takes as long as the youngest file needs to be quiet.
func (s *Store) Load(ctx context.Context) ([]*rule.Rule, error) {
	s.work.Lock()
	defer s.work.Unlock()
	if !s.loaded {
		if err := s.firstReading(ctx); err != nil {
			return nil, err
		}
	}
	return slices.Clone(*s.rules.Load()), nil
}

// Subscribe implements store.Store.
func (s *Store) Subscribe() *store.Subscription { return s.changes.Subscribe() }

// Healthy returns nil if the rule directory and all below could be read last time, else why not. The rules in
// force stay in either case.
func (s *Store) Healthy() error { return *s.health.Load() }

// Rescan has Run look at every file soon, as it does by itself every Config.Rescan. It does not wait.
func (s *Store) Rescan() { s.inbox.rescanAt(time.Now()) }

// known reports whether a rule is in force, true before the first reading.
func (s *Store) known(ruleID string) bool {
	rules := s.rules.Load()
	if rules == nil {
		return true
	}
	_, found := slices.BinarySearchFunc(*rules, ruleID, func(r *rule.Rule, id string) int { return strings.Compare(r.ID, id) })
	return found
}
