-- The sample business database. Every person, number and address is made up: 555-01xx numbers are kept for fiction, example.com for
-- documentation, and social security numbers that start with 9 are never issued.

CREATE TABLE customers (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  ssn text NOT NULL,
  phone text NOT NULL,
  city text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE products (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku text NOT NULL UNIQUE,
  name text NOT NULL,
  price_cents integer NOT NULL CHECK (price_cents > 0),
  stock integer NOT NULL CHECK (stock >= 0)
);

CREATE TABLE orders (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers,
  status text NOT NULL CHECK (status IN ('open', 'paid', 'shipped', 'cancelled')),
  placed_at timestamptz NOT NULL
);

CREATE TABLE order_items (
  order_id integer NOT NULL REFERENCES orders ON DELETE CASCADE,
  product_id integer NOT NULL REFERENCES products,
  quantity integer NOT NULL CHECK (quantity > 0),
  price_cents integer NOT NULL CHECK (price_cents > 0),
  PRIMARY KEY (order_id, product_id)
);

CREATE INDEX orders_customer ON orders (customer_id);

INSERT INTO customers (name, email, ssn, phone, city, created_at)
SELECT
  first || ' ' || last,
  lower(first) || '.' || lower(last) || n || '@example.com',
  format('9%s-%s-%s', lpad((n * 37 % 100)::text, 2, '0'), lpad((n * 13 % 90 + 10)::text, 2, '0'), lpad((n * 7919 % 10000)::text, 4, '0')),
  format('+1-%s-555-01%s', 202 + n % 7 * 100, lpad((n % 100)::text, 2, '0')),
  (ARRAY['Lakeside', 'Port Amber', 'Millbrook', 'Harrow Falls', 'Easton', 'Greyfield'])[n % 6 + 1],
  timestamptz '2025-01-01 08:00:00+00' + n * interval '31 hours'
FROM (
  SELECT
    n,
    (ARRAY['Ada', 'Bo', 'Carla', 'Dmitri', 'Esi', 'Farid', 'Greta', 'Hana', 'Ivo', 'Jun'])[n % 10 + 1] AS first,
    (ARRAY['Almond', 'Birch', 'Cedar', 'Dogwood', 'Elder', 'Fir', 'Gum'])[n % 7 + 1] AS last
  FROM generate_series(1, 120) AS n
) AS person;

INSERT INTO products (sku, name, price_cents, stock)
SELECT
  'SKU-' || lpad(n::text, 4, '0'),
  (ARRAY['Oak', 'Steel', 'Glass', 'Linen', 'Cork'])[n % 5 + 1] || ' ' || (ARRAY['chair', 'lamp', 'shelf', 'desk'])[n % 4 + 1],
  1990 + n * 351 % 9000,
  n * 17 % 60
FROM generate_series(1, 40) AS n;

INSERT INTO orders (customer_id, status, placed_at)
SELECT
  n * 11 % 120 + 1,
  (ARRAY['open', 'paid', 'shipped', 'shipped', 'cancelled'])[n % 5 + 1],
  timestamptz '2025-07-01 09:00:00+00' + n * interval '9 hours'
FROM generate_series(1, 300) AS n;

INSERT INTO order_items (order_id, product_id, quantity, price_cents)
SELECT orders.id, products.id, orders.id % 3 + 1, products.price_cents
FROM orders CROSS JOIN generate_series(0, 1) AS line
JOIN products ON products.id = (orders.id * 7 + line * 13) % 40 + 1;

CREATE VIEW order_totals AS
SELECT orders.id AS order_id, orders.customer_id, orders.status, sum(order_items.quantity * order_items.price_cents) AS total_cents
FROM orders JOIN order_items ON order_items.order_id = orders.id
GROUP BY orders.id;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO toolgate_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON customers, products, orders, order_items TO toolgate_writer;

ANALYZE;
