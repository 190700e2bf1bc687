// Made by `make islands` of the structs that the shop sends. Not to be edited: a test compares.

export interface Added {
  sku: string;
  slug: string;
  title: string;
  options: string;
  wanted: number;
  added: number;
  quantity: number;
  left: number | null;
  count: number;
  subtotal: number;
  cart: number;
  version: number;
}

export interface AddressHelp {
  domains: string[];
  postcodes: Record<string, PostcodeHelp>;
}

export interface CartNews {
  cart: number;
  version: number;
  count: number;
  total: number;
}

export interface CartPage {
  cart: number;
  version: number;
  count: number;
  lines: CartRow[];
  saved: CartRow[];
  is_blocked: boolean;
  country: string;
  is_unknown_country: boolean;
  options: DeliveryOption[];
  totals: Sums;
  said: string;
  added: CartRow | null;
  is_limited: boolean;
  errors: [string, string][];
  problems: Record<string, string>;
  typed: Record<string, string>;
  countries: [string, string][];
  ways: Way[];
  money: MoneyPattern;
}

export interface CartRow {
  id: number;
  variant_id: number | null;
  sku: string;
  url: string;
  title: string;
  options: string;
  picture: ImageView | null;
  quantity: number;
  left: number | null;
  unit_price: Money;
  total: Money;
  notices: NoticeRow[];
}

export interface DeliveryOption {
  code: string;
  title: string;
  carrier: string;
  kind: string;
  note: string;
  price: Money;
  min_days: number;
  max_days: number;
  free_from: Money | null;
}

export interface ImageView {
  src: string;
  srcset: string;
  width: number;
  height: number;
  stance: string;
}

export interface Money {
  minor: number;
  currency: string;
}

export interface MoneyPattern {
  prefix: string;
  suffix: string;
  decimal: string;
  group: string;
  groups: [number, number];
  exponent: number;
  least: number;
}

export interface NoticeRow {
  text: string;
  blocks: boolean;
  was: Money | null;
}

export interface OrderSummary {
  step: string;
  cart: number;
  version: number;
  count: number;
  country: string;
  country_name: string;
  lines: CartRow[];
  totals: Sums;
  options: DeliveryOption[];
  payments: PaymentOption[];
  chosen: string;
  problems: Record<string, string>;
  money: MoneyPattern;
}

export interface PaymentOption {
  code: string;
  title: string;
  note: string;
  is_offline: boolean;
  after: string;
}

export interface PostcodeHelp {
  country: string;
  shape: PostcodeShape;
}

export interface PostcodeShape {
  examples: string[];
  prefix: string;
  patterns: string[];
}

export interface Sums {
  subtotal: Money;
  delivery: Money | null;
  delivery_title: string;
  total: Money;
  taxes: TaxRow[];
}

export interface TaxRow {
  label: string;
  amount: Money;
}

export interface Way {
  url: string;
  title: string;
}
