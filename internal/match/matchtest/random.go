package matchtest

import "strconv"

// random is SplitMix64 (Steele, Lea and Flood, 2014): eight bytes of state, and no release of Go changes what a seed
// gives.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1; n is above 0 and below 2^31. Its bias is n in 2^32, which nobody sees here.
func (r *random) below(n int) int {
	return int(r.next() >> 32 * uint64(n) >> 32) //nolint:gosec // G115: n is positive
}

// chance is true in n of a thousand calls.
func (r *random) chance(n int) bool { return r.below(1000) < n }

// pick returns one of a set that is not empty.
func (r *random) pick(set []string) string { return set[r.below(len(set))] }

// appendHex appends n digits.
func (r *random) appendHex(dst []byte, n int) []byte {
	const digits = "0123456789ABCDEF"
	for n > 0 {
		bits := r.next()
		for range min(n, 16) {
			dst = append(dst, digits[bits&15])
			bits >>= 4
		}
		n -= 16
	}
	return dst
}

// expand replaces what a template leaves open: {n} a number, {h} eight hexadecimal digits, {m} 32 of them, {u} a user,
// {w} a word, {d} a host in a domain, {a} an address.
func (g *Generator) expand(template string) string {
	b := g.text[:0]
	for i := 0; i < len(template); i++ {
		if template[i] != '{' || i+2 >= len(template) || template[i+2] != '}' {
			b = append(b, template[i])
			continue
		}
		switch template[i+1] {
		case 'n':
			b = strconv.AppendInt(b, int64(g.below(9000)+1000), 10)
		case 'h':
			b = g.appendHex(b, 8)
		case 'm':
			b = g.appendHex(b, 32)
		case 'u':
			b = append(b, g.pick(users)...)
		case 'w':
			b = append(b, g.pick(words)...)
		case 'd':
			b = append(append(append(b, g.pick(words)...), '.'), g.pick(domains)...)
		case 'a':
			b = g.appendAddress(b)
		default:
			b = append(b, template[i:i+3]...)
		}
		i += 2
	}
	g.text = b
	return string(b)
}

func (g *Generator) appendAddress(b []byte) []byte {
	b = append(b, g.pick([]string{"10.20.", "192.168.", "172.18."})...)
	b = strconv.AppendInt(b, int64(g.below(250)), 10)
	b = append(b, '.')
	return strconv.AppendInt(b, int64(g.below(253)+1), 10)
}
