package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"ttpworker/internal/yamlx"
)

// maxSecurityFile bounds a file of certificates, a key or a secret, in bytes.
const maxSecurityFile = 4 << 20

// A secretSource is a secret that is given in place or by a file. The file is read at every use.
type secretSource struct {
	value yamlx.Secret
	file  string
	key   string // of the file, such as kafka.sasl.password_file
}

// read returns the secret as it is now. Line ends behind that of a file are none of it.
func (s secretSource) read() (string, error) {
	if s.file == "" {
		return s.value.Reveal(), nil
	}
	data, err := readSmall(s.file)
	if err == nil {
		if data = bytes.TrimRight(data, "\r\n"); len(data) == 0 {
			err = errors.New(s.file + " is empty")
		}
	}
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", s.key, err)
	}
	return string(data), nil
}

// readSmall reads a file of at most maxSecurityFile bytes.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecurityFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(data) > maxSecurityFile {
		return nil, fmt.Errorf("%s: more than %d bytes", name, maxSecurityFile)
	}
	return data, nil
}
