package lru

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// clock makes time pass by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newTest(budget int64) (*Cache[string], *clock) {
	at := &clock{time.Unix(1000, 0)}
	return New[string](budget, at.now), at
}

// script runs needs of keys of 10 bytes, one a second, through a cache, and tells which were held ("A"), came in ("+A"),
// came in for others ("+A-B") or stayed out ("a").
func script(c *Cache[string], at *clock, needs string) string {
	var told []string
	for _, key := range strings.Split(needs, "") {
		at.at = at.at.Add(time.Second)
		if c.Has(key) {
			c.Use(key)
			told = append(told, key)
			continue
		}
		c.Want(key)
		leave, admitted := c.Admit(key, 10)
		if !admitted {
			told = append(told, strings.ToLower(key))
			continue
		}
		for _, out := range leave {
			c.Remove(out)
		}
		c.Add(key, 10, false)
		event := "+" + key
		if len(leave) > 0 {
			event += "-" + strings.Join(leave, "")
		}
		told = append(told, event)
	}
	return strings.Join(told, " ")
}

func TestAdmission(t *testing.T) {
	for _, c := range []struct {
		name   string
		budget int64
		needs  string
		want   string
	}{
		{"what fits comes in at once", 30, "ABC", "+A +B +C"},
		{"one odd frame evicts nothing", 20, "ABABCABAB", "+A +B A B c A B A B"},
		{"the second need in a row evicts the least recently used", 20, "ABABCCC", "+A +B A B c +C-A C"},
		{"keys needed in turn do not evict each other", 10, "ABABABAB", "+A b A b A b A b"},
		{"the more frequent one wins", 10, "ABBABB", "+A b +B-A a B B"},
		{"without a bound all come in", 0, "ABCD", "+A +B +C +D"},
		{"a key larger than the bound never comes in", 5, "AAAA", "a a a a"},
	} {
		cache, at := newTest(c.budget)
		if got := script(cache, at, c.needs); got != c.want {
			t.Errorf("%s: %s gives %s, expected %s", c.name, c.needs, got, c.want)
		}
	}
}

// The frames of one run come within milliseconds: they are one need.
func TestWantsOfOneRunCountOnce(t *testing.T) {
	c, at := newTest(10)
	script(c, at, "A")
	at.at = at.at.Add(time.Second)
	for range 50 {
		c.Want("B")
		at.at = at.at.Add(time.Millisecond)
	}
	if _, admitted := c.Admit("B", 10); admitted {
		t.Error("one run of frames evicted a net")
	}
	at.at = at.at.Add(Correlated)
	c.Want("B")
	if leave, admitted := c.Admit("B", 10); !admitted || !slices.Equal(leave, []string{"A"}) {
		t.Errorf("the second run does not: %v, %v", leave, admitted)
	}
}

func TestFixedKeysStay(t *testing.T) {
	c, at := newTest(25)
	c.Add("fixed", 10, true)
	if got, want := script(c, at, "ABBBA"), "+A b +B-A B a"; got != want {
		t.Errorf("%s, expected %s", got, want)
	}
	c.Add("fixed too", 30, true)
	if key, over := c.Excess(); over {
		t.Errorf("%s has to leave, though it is the only one that can", key)
	}
	if c.Bytes() != 50 || !c.Has("fixed") {
		t.Errorf("%d bytes", c.Bytes())
	}
}

func TestExcessIsTheLeastRecentlyUsed(t *testing.T) {
	c, _ := newTest(25)
	for _, key := range []string{"A", "B", "C"} {
		c.Add(key, 10, false)
	}
	c.Use("A")
	if key, over := c.Excess(); !over || key != "B" {
		t.Errorf("%q, %v", key, over)
	}
	c.Remove("B")
	if _, over := c.Excess(); over {
		t.Error("20 bytes of 25 are too many")
	}
}

// Whatever is needed, the bytes are those of what is held, and within the bound; what leaves was held, and no more of it
// leaves than has to.
func TestTheBoundHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		budget := rapid.Int64Range(1, 100).Draw(t, "budget")
		c, at := newTest(budget)
		sizes := map[string]int64{}
		for _, n := range rapid.SliceOf(rapid.IntRange(0, 9)).Draw(t, "needs") {
			key := fmt.Sprint(n)
			at.at = at.at.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "ms")) * time.Millisecond)
			if c.Has(key) {
				c.Use(key)
				continue
			}
			c.Want(key)
			size := int64(n+1) * 5
			leave, admitted := c.Admit(key, size)
			if !admitted {
				continue
			}
			left := int64(0)
			for i, out := range leave {
				if sizes[out] == 0 {
					t.Fatalf("%s leaves and is not held", out)
				}
				if c.Bytes()+size <= budget {
					t.Fatalf("%v leave, %d would do", leave, i)
				}
				left += sizes[out]
				delete(sizes, out)
				c.Remove(out)
			}
			c.Add(key, size, false)
			sizes[key] = size
			var sum int64
			for _, s := range sizes {
				sum += s
			}
			if c.Bytes() != sum || sum > budget {
				t.Fatalf("%d bytes of %d, %d are held", c.Bytes(), budget, sum)
			}
		}
	})
}
