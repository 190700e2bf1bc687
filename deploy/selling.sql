-- How a shop sells, to begin with: in Germany and to Austria, prices in cents with tax in them. Change it to yours first; see
-- docs/selling.md for what the rows mean. For MySQL and for SQLite.
INSERT INTO tax_classes (code, title) VALUES ('standard', 'Standard'), ('reduced', 'Reduced (books, food)');
INSERT INTO tax_rates (country, tax_class, rate, title) VALUES
    ('DE', 'standard', 1900, 'VAT'), ('DE', 'reduced', 700, 'VAT'),
    ('AT', 'standard', 2000, 'VAT'), ('AT', 'reduced', 1000, 'VAT');

INSERT INTO zones (code, title, is_rest) VALUES ('home', 'Germany', 0), ('near', 'Austria', 0);
INSERT INTO zone_countries (country, zone_id) SELECT 'DE', id FROM zones WHERE code = 'home';
INSERT INTO zone_countries (country, zone_id) SELECT 'AT', id FROM zones WHERE code = 'near';

INSERT INTO delivery_methods (code, title, carrier, kind, note, position, is_active) VALUES
    ('parcel', 'Parcel', 'DHL', 'ship', '', 1, 1),
    ('pickup', 'Pick up', '', 'pickup', 'Street 1, 10115 Berlin, weekdays from 10 to 18', 2, 1);
INSERT INTO delivery_rates (method_id, zone_id, max_weight_g, price, free_over, min_days, max_days)
    SELECT m.id, z.id, NULL, CASE z.code WHEN 'home' THEN 490 ELSE 990 END, CASE z.code WHEN 'home' THEN 5000 END, 1, 3
    FROM delivery_methods m, zones z WHERE m.code = 'parcel';
INSERT INTO delivery_rates (method_id, zone_id, max_weight_g, price, free_over, min_days, max_days)
    SELECT m.id, z.id, NULL, 0, NULL, 0, 1
    FROM delivery_methods m, zones z WHERE m.code = 'pickup' AND z.code = 'home';
