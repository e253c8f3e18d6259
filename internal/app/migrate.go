package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ttpworker/internal/rule"
	"ttpworker/internal/store/filesystem"
)

// A MigrationSet is what rule directories need for this ATT&CK release.
type MigrationSet struct {
	Read   int              // files
	Files  []rule.Migration // those in which something changes or is left, in path order
	Faults error            // of files and directories that cannot be read, joined
}

// ReadMigrations looks for what has to change in the rule files of dirs, without dirs in those of the configuration.
func ReadMigrations(cfg Config, dirs []string) (MigrationSet, error) {
	var set MigrationSet
	store := cfg.RuleStore.Config
	if len(dirs) == 0 {
		if _, err := os.Stat(store.Dir); errors.Is(err, fs.ErrNotExist) && store.Dir == filesystem.DefaultConfig().Dir {
			return set, errors.New("the rules in the binary are those of this release: name a rule directory with --rules")
		}
		dirs = []string{store.Dir}
	}
	dirs, errs := rightDirs(dirs)
	for _, dir := range dirs {
		store.Dir = dir
		files, read, err := rule.ReadMigrations(os.DirFS(dir), ".", dir, cfg.Limits.RuleBytes, listsBelow(store))
		set.Files, set.Read = append(set.Files, files...), set.Read+read
		errs = append(errs, err)
	}
	set.Faults = errors.Join(errs...)
	return set, nil
}

// WriteOver writes a file in one step, over the one that is there and with its permissions: into a new file beside it
// that is renamed. Of a link it is the target.
func WriteOver(path string, data []byte) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*~") // no name of a rule file
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
